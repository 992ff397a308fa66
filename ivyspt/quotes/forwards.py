"""Forwards and discount factors of slices by put-call parity, C - P = D (F - K).

D is a slope over the whole strike range, pooled over expiries; F then comes from the pairs near the money, where an
error in D hardly matters. No spot price enters where parity speaks, and never one adjusted for later dividends.

[1] Huber, P. J. (1964). Robust estimation of a location parameter. Annals of Mathematical Statistics 35(1), 73-101.
"""

from dataclasses import dataclass, fields

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from ivyspt.config import Forwards
from ivyspt.quotes.carry import carry_line
from ivyspt.quotes.dividends import Distributions, present_dividends
from ivyspt.quotes.rates import pooled_rate
from ivyspt.quotes.segments import total, weighted_median

REWEIGHTINGS = 10
HUBER = 1.5  # robust standard deviations beyond which a pair loses weight, [1]
MAD = 1.4826  # robust standard deviation of a normal sample over its median absolute deviation
MIN_SLOPE_PAIRS = 4  # pairs a slope is fitted to: two parameters and a scale
NEAREST = 3  # pairs nearest to the money whose straddles give the slice's standard deviation
LEAST_ERROR = 1e-7  # of a discount factor: what rounding leaves of noise-free prices


@dataclass(frozen=True)
class Pairs:
    """Calls and puts of one slice and strike; one entry a pair, in the order of slices.

    `error` is the pair's standard error in price, up to a common factor a slice: the half spreads where bid and ask
    are known.
    """

    slice: Int[np.ndarray, " pair"]
    strike: Float[np.ndarray, " pair"]
    difference: Float[np.ndarray, " pair"]  # call less put
    straddle: Float[np.ndarray, " pair"]  # call plus put
    error: Float[np.ndarray, " pair"]

    def take(self, where: Bool[np.ndarray, " pair"]) -> "Pairs":
        """The pairs of `where`."""
        return Pairs(*(getattr(self, field.name)[where] for field in fields(self)))


def implied_rates(
    pairs: Pairs, tau: Float[np.ndarray, " slice"]
) -> tuple[Float[np.ndarray, " slice"], Float[np.ndarray, " slice"]]:
    """Zero rate of each slice by the slope of C - P over its whole strike range, and its standard error.

    Robust regression ([1]); rate NaN and error infinite with fewer than four pairs or a slope of the wrong sign.
    """
    count = tau.size
    at = pairs.slice
    centre = weighted_median(pairs.strike, np.ones(at.size), at, count)
    x = pairs.strike / centre[at] - 1  # in units of a strike near the middle
    y = pairs.difference / centre[at]
    error = pairs.error / centre[at]
    weight = error**-2
    for _ in range(REWEIGHTINGS):
        w, wx, wy, wxx, wxy = (total(weight * term, at, count) for term in (1.0, x, y, x * x, x * y))
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = wxx - wx**2 / w
            slope = (wxy - wx * wy / w) / spread
            intercept = (wy - slope * wx) / w
        off = np.abs(y - intercept[at] - slope[at] * x) / error
        scale = MAD * weighted_median(off, np.ones(at.size), at, count)
        weight = error**-2 / np.maximum(1.0, off / (HUBER * np.maximum(scale, 1e-12)[at]))
    discount = -slope
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.hypot(scale / np.sqrt(spread), LEAST_ERROR)
        usable = (np.bincount(at, minlength=count) >= MIN_SLOPE_PAIRS) & (discount > 0) & (spread > 0) & (tau > 0)
        rate = np.where(usable, -np.log(np.where(usable, discount, 1.0)) / tau, np.nan)
        return rate, np.where(usable, error / (discount * tau), np.inf)


def discount_factors(
    pairs: Pairs, slices: pl.DataFrame, prior: Float[np.ndarray, " slice"], settings: Forwards
) -> tuple[Float[np.ndarray, " slice"], Float[np.ndarray, " slice"]]:
    """Discount factor of each slice on its surface's pooled curve, and the quotes' share in it (the rest: the prior).

    `slices` holds time_to_maturity, surface and american. The right to exercise early bends the slope: American slices
    speak only where there is no rate curve.
    """
    tau = slices["time_to_maturity"].to_numpy()
    has_curve = bool(settings.rates_dir or settings.zero_curve)
    speaking = ~slices["american"].to_numpy() if has_curve else np.ones(tau.size, dtype=bool)
    rate, error = implied_rates(pairs.take(speaking[pairs.slice]), tau)
    prior_std = settings.rate_std if has_curve else settings.flat_rate_std
    curve, share = pooled_rate(rate, error, prior, tau, slices["surface"].to_numpy(), prior_std=prior_std)
    return np.exp(-curve * tau), share


def near_pairs(pairs: Pairs, discount: Float[np.ndarray, " slice"], settings: Forwards) -> Int[np.ndarray, " near"]:
    """Rows of the pairs within `near_width` standard deviations of the forward, by a first guess of both.

    The `min_pairs` nearest count as near up to twice that width: where strikes are wide apart they are all there is.
    The guess of the forward is the weighted median of K + (C - P) / D, that of the standard deviation (vol times root
    of time) comes from the straddles nearest to it: straddle = 2 D F std / sqrt(2 pi).
    """
    count, at = discount.size, pairs.slice
    guess = weighted_median(pairs.strike + pairs.difference / discount[at], 1 / pairs.error, at, count)
    distance = np.abs(np.log(pairs.strike / np.maximum(guess, 1e-12)[at]))
    order = np.lexsort((distance, at))
    position = np.arange(at.size) - np.searchsorted(at, at)  # rows are ordered by slice, so `order` keeps the slices
    rank = np.empty_like(position)
    rank[order] = position
    nearest = order[position < NEAREST]
    std = pairs.straddle[nearest] / (discount * guess)[at[nearest]] * np.sqrt(np.pi / 2)
    std = weighted_median(std, np.ones(nearest.size), at[nearest], count)
    width = settings.near_width * np.where(rank < settings.min_pairs, 2.0, 1.0)
    return np.flatnonzero(distance <= width * std[at])


def parity_forwards(
    pairs: Pairs, discount: Float[np.ndarray, " slice"], settings: Forwards
) -> tuple[Float[np.ndarray, " slice"], Int[np.ndarray, " slice"], Float[np.ndarray, " slice"]]:
    """Forward of each slice from its near pairs, their number, and their weighted median |K + (C - P)/D - F| / F.

    Robust mean ([1]) of K + (C - P) / D, started at the weighted median; NaN where a slice has no near pair.
    """
    count = discount.size
    near = near_pairs(pairs, discount, settings)
    at = pairs.slice[near]
    value = pairs.strike[near] + pairs.difference[near] / discount[at]
    error = pairs.error[near] / discount[at]
    forward = weighted_median(value, 1 / error, at, count)
    scale = MAD * weighted_median(np.abs(value - forward[at]) / error, 1 / error, at, count)
    for _ in range(REWEIGHTINGS):
        off = np.abs(value - forward[at]) / error
        weight = error**-2 / np.maximum(1.0, off / (HUBER * np.maximum(scale, 1e-12)[at]))
        with np.errstate(invalid="ignore", divide="ignore"):
            forward = total(weight * value, at, count) / total(weight, at, count)
    residual = weighted_median(np.abs(value / forward[at] - 1), 1 / error, at, count)
    return forward, np.bincount(at, minlength=count), residual


def forward_errors(
    residual: Float[np.ndarray, " slice"], count: Int[np.ndarray, " slice"], surface: Int[np.ndarray, " slice"]
) -> Float[np.ndarray, " slice"]:
    """Relative standard error of each slice's forward; infinite where it has no near pair.

    By the larger of its own residual and its surface's typical one: that of two or three pairs can be small by chance.
    """
    has = np.flatnonzero(np.isfinite(residual))
    surfaces = int(surface.max(initial=-1)) + 1
    typical = weighted_median(residual[has], np.ones(has.size), surface[has], surfaces)
    error = np.full(residual.size, np.inf)
    scale = np.maximum(np.maximum(residual, typical[surface]), LEAST_ERROR)
    error[has] = MAD * scale[has] / np.sqrt(count[has])
    return error


def complete_forwards(
    forward: Float[np.ndarray, " slice"],
    error: Float[np.ndarray, " slice"],
    discount: Float[np.ndarray, " slice"],
    slices: pl.DataFrame,
    distributions: Distributions | None = None,
) -> tuple[Float[np.ndarray, " slice"], Bool[np.ndarray, " slice"]]:
    """Forwards on their surface's carry line; where it has none, F = (S - dividends) / D, and whether that was done.

    Dividends are those that `distributions` knew or let expect on the quote's day, at their present value; without it
    ASSUME none: nothing in the quotes tells of them.
    """
    tau, surface = slices["time_to_maturity"].to_numpy(), slices["surface"].to_numpy()
    carried = np.exp(carry_line(np.log(forward * discount), error, tau, surface)) / discount
    spot = slices["underlying_price"].to_numpy()
    from_spot = ~np.isfinite(carried)
    if distributions is not None:
        spot = spot - present_dividends(distributions, slices, discount, np.flatnonzero(from_spot))
    return np.where(from_spot, np.where(spot > 0, spot, np.nan) / discount, carried), from_spot
