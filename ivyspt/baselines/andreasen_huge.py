"""Andreasen and Huge's interpolation by one implicit step of a local-vol model between expiries, from QuantLib."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import QuantLib

from ivyspt.completion import Completion, Context, Targets

FIRST_DAY = QuantLib.Date(1, 1, 1950)
STRETCHED_VOL = (
    0.05  # what the at-the-money vol shrinks to: lower, and QuantLib's optimiser, which starts at 0.25, fails
)
LONGEST = 80_000  # days from the first that QuantLib's calendar reaches
REACH = 8.0  # standard deviations at the longest expiry that the strikes of the grid span
KINDS = {
    "piecewise_constant": QuantLib.AndreasenHugeVolatilityInterpl.PiecewiseConstant,
    "linear": QuantLib.AndreasenHugeVolatilityInterpl.Linear,
    "cubic_spline": QuantLib.AndreasenHugeVolatilityInterpl.CubicSpline,
}


class AndreasenHuge:
    """Local vols of each expiry, fitted so that single implicit steps of a finite-difference scheme give the prices.

    The prices on the grid are free of arbitrage; QuantLib interpolates between its strikes. It has no derivatives of
    its own. Times are stretched by a factor and vols shrunk by its root, which leaves total variance alone, so that
    expiries of one day stay apart though QuantLib counts whole days. Beyond the grid's strikes vol is flat. Where the
    calibration fails there is no answer.

    Parameters
    ----------
    grid_points : int
        Strikes of the grid.
    interpolation : str
        Of local vol in strike: piecewise_constant, linear or cubic_spline.

    References
    ----------
    Andreasen & Huge (2011), "Volatility interpolation", Risk 24(3).
    """

    def __init__(
        self, grid_points: int, interpolation: Literal["piecewise_constant", "linear", "cubic_spline"]
    ) -> None:
        self.grid_points, self.kind = grid_points, KINDS[interpolation]

    def fit(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        """Do nothing: each surface is fitted on its own."""

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """Calibrate to the context and read vols where asked."""
        longest = context.time_to_maturity.max()
        stretch = min((context.at_the_money_vol / STRETCHED_VOL) ** 2, LONGEST / (365 * longest))
        reach = max(REACH * context.at_the_money_vol * np.sqrt(longest), 2 * np.abs(context.log_moneyness).max())
        try:
            surface = self._calibrated(context, stretch, reach)
            k = np.clip(log_moneyness, -0.999 * reach, 0.999 * reach)
            places = zip((stretch * np.asarray(time_to_maturity)).tolist(), np.exp(k).tolist(), strict=True)
            vol = np.array([surface.blackVol(time, strike, True) for time, strike in places]) * np.sqrt(stretch)
        except RuntimeError:  # what QuantLib raises of every kind
            vol = np.full(np.shape(log_moneyness), np.nan)
        return Completion(np.where(vol > 0, vol, np.nan))

    def _calibrated(self, context: Context, stretch: float, reach: float) -> QuantLib.AndreasenHugeVolatilityAdapter:
        day = np.round(365 * stretch * context.time_to_maturity)
        places, which = np.unique(np.column_stack([day, context.log_moneyness]), axis=0, return_inverse=True)
        vols = np.bincount(which, context.implied_vol) / np.bincount(which) / np.sqrt(stretch)  # one quote a place
        flat = QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(FIRST_DAY, 0.0, QuantLib.Actual365Fixed()))
        quotes = [
            (
                QuantLib.VanillaOption(
                    QuantLib.PlainVanillaPayoff(QuantLib.Option.Call, float(np.exp(k))),
                    QuantLib.EuropeanExercise(FIRST_DAY + max(1, int(days))),
                ),
                QuantLib.SimpleQuote(float(vol)),
            )
            for (days, k), vol in zip(places, vols, strict=True)
        ]
        found = QuantLib.AndreasenHugeVolatilityInterpl(
            QuantLib.CalibrationSet(quotes),
            QuantLib.QuoteHandle(QuantLib.SimpleQuote(1.0)),
            flat,
            flat,
            self.kind,
            QuantLib.AndreasenHugeVolatilityInterpl.Call,
            self.grid_points,
            float(np.exp(-reach)),
            float(np.exp(reach)),
        )
        return QuantLib.AndreasenHugeVolatilityAdapter(found)
