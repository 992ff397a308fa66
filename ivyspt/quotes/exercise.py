"""European prices of American quotes: the mid less the right to exercise early, at the vol of the strike."""

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

from ivyspt.implied_vol import implied_vol
from ivyspt.quotes.american import early_exercise_premium
from ivyspt.quotes.chains import Chains, Prices
from ivyspt.quotes.curves import Curve


def european_prices(chains: Chains, curve: Curve, prices: Prices, kept: Bool[np.ndarray, " quote"]) -> Prices:
    """Prices of the American quotes that are kept, less their early-exercise premium; the others unchanged.

    `curve` is implied as if all were European: near the money, where it comes from, the premium is small. It gives the
    rate and, with the spot price, the dividend yield; the vol is the strike's out-of-the-money one.
    """
    american = chains.slices["american"].to_numpy() & (curve.route != "none")
    rows = np.flatnonzero(kept & american[chains.slice])
    at = chains.slice[rows]
    tau = chains.time_to_maturity[rows]
    discount, forward = curve.discount[at], curve.forward[at]
    spot = chains.slices["underlying_price"].to_numpy()[at]
    spot = np.where(spot > 0, spot, forward * discount)  # without a spot price ASSUME no dividends
    rate = -np.log(discount) / tau
    carry = np.log(forward / spot) / tau
    vols = strike_vols(chains, curve, prices.mid, kept)[rows]
    less = np.zeros(prices.mid.size)
    less[rows] = early_exercise_premium(
        spot,
        chains.strike[rows],
        tau,
        np.nan_to_num(vols),
        chains.is_call[rows],
        rate=rate,
        dividend_yield=rate - carry,
    )
    return Prices(prices.bid - less, prices.mid - less, prices.ask - less)


def strike_vols(
    chains: Chains, curve: Curve, mid: Float[np.ndarray, " quote"], kept: Bool[np.ndarray, " quote"]
) -> Float[np.ndarray, " quote"]:
    """Out-of-the-money vol of each quote's strike; NaN in a slice without any.

    A strike that has none takes that of the next lower strike that has, else of the next higher one.
    """
    forward = curve.forward[chains.slice]
    rows = np.flatnonzero(kept & ((chains.strike >= forward) == chains.is_call))
    at = chains.slice[rows]
    vols = np.full(mid.size, np.nan)
    price, tau = mid[rows] / curve.discount[at], chains.time_to_maturity[rows]
    vols[rows] = implied_vol(price, forward[rows], chains.strike[rows], tau, chains.is_call[rows])
    table = pl.DataFrame({"slice": chains.slice, "strike": chains.strike_row, "vol": vols})
    table = table.with_columns(pl.col("vol").fill_nan(None).mean().over("strike"))  # one side of a strike has a vol
    filled = pl.col("vol").forward_fill().backward_fill().over("slice")
    return table.select(filled.fill_null(float("nan"))).to_series().to_numpy()
