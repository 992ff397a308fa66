"""From quotes to surfaces: filters, forwards, vols, one point a (log-moneyness, time to maturity)."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from ivyspt.config import Surfaces
from ivyspt.implied_vol import implied_vol
from ivyspt.quotes.chains import Chains, Prices, chains_of, vendor_prices
from ivyspt.quotes.curves import Curve, imply_curve, pairs_of
from ivyspt.quotes.dividends import Distributions
from ivyspt.quotes.exercise import european_prices
from ivyspt.quotes.filters import Verdicts, count_rejections, drop_other_roots, judge_prices, judge_vols
from ivyspt.quotes.rates import prior_rate
from ivyspt.quotes.segments import weighted_median
from ivyspt.quotes.zero_curve import ZeroCurve
from ivyspt.surfaces.points import choose_points, drop_small_surfaces, points_table, surface_id

MONEY_QUOTES = 6  # quotes nearest to the money whose median vol is the slice's at-the-money vol


@dataclass(frozen=True)
class Built:
    """Tables made from quotes: POINTS, one row a slice, REJECTIONS."""

    points: pl.DataFrame
    slices: pl.DataFrame
    rejections: pl.DataFrame


def build(
    quotes: pl.DataFrame,
    settings: Surfaces,
    rate_curve: pl.DataFrame | ZeroCurve | None,
    distributions: Distributions | None = None,
) -> Built:
    """Surfaces of `quotes` (QUOTES; whole surfaces, at least one quote); `rate_curve` is of `read_rate_curve`.

    Every quote is either used in a point or counted in the rejections under one reason.
    """
    chains = chains_of(quotes)
    slices = chains.slices
    tau = slices["time_to_maturity"].to_numpy()
    prior = prior_rate(rate_curve, slices["quote_time"].dt.date(), tau, settings.forwards.flat_rate)
    prices = Prices(chains.bid, chains.mid, chains.ask)
    if settings.price == "vendor_implied_vol":
        nothing = np.full(chains.mid.size, np.nan)
        prices = Prices(nothing, vendor_prices(chains, prior), nothing)
    verdicts = judge_prices(chains, prices, settings.filters)
    drop_other_roots(chains, verdicts)
    curve = imply_curve(chains, pairs_of(chains, verdicts.kept, prices), prior, settings.forwards, distributions)
    if settings.exercise == "de_americanise" and settings.price == "quoted":
        prices = european_prices(chains, curve, prices, verdicts.kept)
        curve = imply_curve(chains, pairs_of(chains, verdicts.kept, prices), prior, settings.forwards, distributions)
    verdicts.drop((curve.route == "none")[chains.slice], "no_forward")
    vols = mid_vols(chains, curve, prices.mid, verdicts)
    z = standardised_moneyness(chains, curve, vols)
    judge_vols(chains, vols, z, verdicts, settings.filters)
    chosen = choose_points(chains, vols, z, verdicts, settings)
    chosen = drop_small_surfaces(chains, chosen, verdicts, settings)
    points = points_table(chains, curve, prices, vols, chosen)
    rejections = count_rejections(chains.quotes["symbol"], chains.quotes["quote_time"].dt.date(), verdicts.codes)
    return Built(points, slices_table(chains, curve, verdicts), rejections)


def undiscounted_vols(
    chains: Chains, curve: Curve, price: Float[np.ndarray, " quote"], rows: Int[np.ndarray, " row"]
) -> Float[np.ndarray, " row"]:
    """Implied vols of the quotes `rows` at `price`; NaN where no vol gives the price."""
    at = chains.slice[rows]
    forward, discount = curve.forward[at], curve.discount[at]
    return implied_vol(
        price[rows] / discount, forward, chains.strike[rows], chains.time_to_maturity[rows], chains.is_call[rows]
    )


def mid_vols(
    chains: Chains, curve: Curve, mid: Float[np.ndarray, " quote"], verdicts: Verdicts
) -> Float[np.ndarray, " quote"]:
    """Implied vol of every quote that is kept; NaN elsewhere."""
    vols = np.full(mid.size, np.nan)
    rows = np.flatnonzero(verdicts.kept)
    vols[rows] = undiscounted_vols(chains, curve, mid, rows)
    verdicts.drop(np.isnan(vols), "outside_bounds")
    return vols


def standardised_moneyness(
    chains: Chains, curve: Curve, vols: Float[np.ndarray, " quote"]
) -> Float[np.ndarray, " quote"]:
    """Every quote's z = k / (at-the-money vol · sqrt(tau)); the vol is the median of the six nearest the money."""
    with np.errstate(invalid="ignore", divide="ignore"):
        log_moneyness = np.log(chains.strike / curve.forward[chains.slice])
    rows = np.flatnonzero(np.isfinite(vols))
    at = chains.slice[rows]
    order = rows[np.lexsort((np.abs(log_moneyness[rows]), at))]
    nearest = order[np.arange(at.size) - np.searchsorted(at, at) < MONEY_QUOTES]
    unit = np.ones(nearest.size)
    vol = weighted_median(vols[nearest], unit, chains.slice[nearest], curve.forward.size)
    tau = np.maximum(chains.time_to_maturity, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return log_moneyness / (vol[chains.slice] * np.sqrt(tau))


def slices_table(chains: Chains, curve: Curve, verdicts: Verdicts) -> pl.DataFrame:
    """One row a slice: its forward, discount factor, how they were found, and how many of its quotes are used."""
    count = chains.slices.height
    parity = curve.route == "parity"
    return chains.slices.select(
        surface_id(),
        "quote_time",
        "symbol",
        "root",
        "expiry",
        "time_to_maturity",
        forward=pl.Series(curve.forward).fill_nan(None),
        discount_factor=pl.Series(curve.discount),
        route=pl.Series(curve.route.astype(str)),
        pairs=pl.Series(curve.pairs, dtype=pl.UInt32),
        residual=pl.Series(np.where(parity, curve.residual, np.nan)).fill_nan(None),
        discount_share=pl.Series(curve.discount_share),
        quotes=pl.Series(np.bincount(chains.slice, minlength=count), dtype=pl.UInt32),
        quotes_used=pl.Series(np.bincount(chains.slice[verdicts.kept], minlength=count), dtype=pl.UInt32),
    )
