"""The discount curve: a prior (Treasury or zero curve, or flat) and what parity says about it, pooled over expiries.

[1] Nelson & Siegel (1987). Parsimonious modeling of yield curves. Journal of Business 60(4), 473-489.
[2] van Binsbergen, Diamond & Grotteria (2022). Risk-free interest rates. Journal of Financial Economics 143(1):
    rates implied by index options lie about 40 bp above Treasury bills.
"""

from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from ivyspt.columns import DataError
from ivyspt.config import Forwards
from ivyspt.provenance import note
from ivyspt.quotes.files import whole_file
from ivyspt.quotes.segments import total
from ivyspt.quotes.zero_curve import ZeroCurve, read_zero_curve

RATES_FILE = "heliar-k_fred_rates.csv"
MATURITIES = {"DGS1MO": 1 / 12, "DGS3MO": 0.25, "DGS6MO": 0.5, "DGS1": 1.0, "DGS2": 2.0, "DGS3": 3.0, "DGS5": 5.0}
DECAY = 1.0  # years; the maturity over which the slope of the pooled correction fades, [1]'s tau
REWEIGHTINGS = 5  # against expiries off the curve
HUBER = 1.5  # standard errors beyond which an expiry's rate loses weight


def read_rate_curve(settings: Forwards) -> pl.DataFrame | ZeroCurve | None:
    """The curve by date that the settings name; None: a flat rate.

    Raises
    ------
    DataError
        The settings name two curves, or the curve cannot be read.
    """
    if settings.rates_dir and settings.zero_curve:
        raise DataError("surfaces.forwards must name one rate curve, got both rates_dir and zero_curve")
    if settings.zero_curve:
        return read_zero_curve(settings.zero_curve)
    return read_treasury_curve(settings.rates_dir) if settings.rates_dir else None


def read_treasury_curve(rates_dir: str) -> pl.DataFrame:
    """Constant-maturity Treasury yields by date as continuous annualised rates: `date` and one column a maturity.

    Raises
    ------
    DataError
        The file is missing or lacks a maturity.
    """
    path = Path(rates_dir) / RATES_FILE
    if not path.exists():
        raise DataError(f"surfaces.forwards.rates_dir must hold {RATES_FILE}, got no such file in {rates_dir}")
    yields = [(2 * (1 + pl.col(name).cast(pl.Float64) / 200).log()).alias(name) for name in MATURITIES]
    # bond-equivalent yields compound twice a year; ASSUME that a par yield is near enough to a zero rate up to 3 years
    with whole_file(str(path)):
        note(path)
        table = pl.read_csv(path, infer_schema=False, columns=["date", *MATURITIES])
        curve = table.select(pl.col("date").str.to_date(), *yields).drop_nulls().sort("date")
    if curve.is_empty():
        raise DataError(f"{path}: must hold a day with every maturity, got none")
    odd = curve.filter(~pl.all_horizontal(pl.col(name).is_finite() for name in MATURITIES))
    if odd.height:
        raise DataError(f"{path}: yields must be finite numbers above -200 %, got others on {odd['date'][0]}")
    return curve


def prior_rate(
    curve: pl.DataFrame | ZeroCurve | None, date: pl.Series, tau: Float[np.ndarray, " slice"], flat: float
) -> Float[np.ndarray, " slice"]:
    """Zero rate at maturity `tau` (years) by the last curve before each date; `flat` without a curve.

    The curve of the quote's own date is published after the close, so it is not looked at.

    Raises
    ------
    DataError
        The curve begins after the first date.
    """
    if curve is None:
        return np.full(tau.size, flat)
    if isinstance(curve, ZeroCurve):
        return curve.rate(date, tau)
    row = np.searchsorted(curve["date"].to_numpy(), date.to_numpy(), side="left") - 1
    if row.size and row.min() < 0:
        raise DataError(f"the Treasury curve must begin before the first quote, got {curve['date'][0]}, {date.min()}")
    rates = curve.select(*MATURITIES).to_numpy()
    knots = np.array(list(MATURITIES.values()))
    right = np.clip(np.searchsorted(knots, tau), 1, knots.size - 1)
    share = np.clip((tau - knots[right - 1]) / (knots[right] - knots[right - 1]), 0.0, 1.0)
    return (1 - share) * rates[row, right - 1] + share * rates[row, right]


def pooled_rate(
    implied: Float[np.ndarray, " slice"],
    standard_error: Float[np.ndarray, " slice"],
    prior: Float[np.ndarray, " slice"],
    tau: Float[np.ndarray, " slice"],
    surface: Int[np.ndarray, " slice"],
    *,
    prior_std: float,
) -> tuple[Float[np.ndarray, " slice"], Float[np.ndarray, " slice"]]:
    """Zero rate of each slice on the smooth curve of its surface, and the share that the quotes have in it (0 to 1).

    The curve is the prior plus a level and a slope, b0 + b1 (1 - exp(-tau / DECAY)) / (tau / DECAY) as in [1], each
    with prior N(0, prior_std²), fitted to the slices' implied rates by their standard errors; a slice without an
    implied rate has an infinite one. Expiries off the curve are weighed down (Huber).
    """
    count = int(surface.max(initial=-1)) + 1
    excess = np.nan_to_num(implied - prior)
    precision = np.where(np.isfinite(standard_error) & np.isfinite(implied), standard_error, np.inf) ** -2.0
    scaled = np.maximum(tau, 1e-6) / DECAY  # slices past their expiry stand at the curve's short end
    loading = -np.expm1(-scaled) / scaled
    weight = precision
    for _ in range(REWEIGHTINGS):
        a00 = total(weight, surface, count) + prior_std**-2
        a01 = total(weight * loading, surface, count)
        a11 = total(weight * loading**2, surface, count) + prior_std**-2
        y0 = total(weight * excess, surface, count)
        y1 = total(weight * loading * excess, surface, count)
        determinant = a00 * a11 - a01**2
        level = (a11 * y0 - a01 * y1) / determinant
        slope = (a00 * y1 - a01 * y0) / determinant
        fitted = level[surface] + slope[surface] * loading
        off = np.abs(excess - fitted) * np.sqrt(precision)
        weight = precision / np.maximum(1.0, off / HUBER)
    # share of the data: one less the curve's posterior over its prior variance at the slice's maturity
    posterior = (a11[surface] - 2 * loading * a01[surface] + loading**2 * a00[surface]) / determinant[surface]
    return prior + fitted, 1 - posterior / (prior_std**2 * (1 + loading**2))
