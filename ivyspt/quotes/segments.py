"""Statistics of every segment (slice or surface) of a flat array at once; `segment` numbers each entry's own."""

import numpy as np
from jaxtyping import Float, Int


def total(
    values: Float[np.ndarray, " entry"], segment: Int[np.ndarray, " entry"], count: int
) -> Float[np.ndarray, " segment"]:
    """Sum of each segment; 0 where a segment is empty."""
    return np.bincount(segment, weights=values, minlength=count)


def weighted_median(
    values: Float[np.ndarray, " entry"],
    weights: Float[np.ndarray, " entry"],
    segment: Int[np.ndarray, " entry"],
    count: int,
) -> Float[np.ndarray, " segment"]:
    """Median of each segment under positive weights: the mean of the lower and the upper one; NaN where it is empty."""
    order = np.lexsort((values, segment))
    values, weights, segment = values[order], weights[order], segment[order]
    sums = total(weights, segment, count)
    before = np.cumsum(sums) - sums
    reached = np.cumsum(weights) - before[segment]  # weight of the segment's entries up to and with this one
    half = sums[segment] / 2
    tolerance = 1e-9 * sums[segment]  # cumulative sums of many segments carry rounding
    medians = np.full(count, np.nan)
    lower, upper = np.full(count, np.nan), np.full(count, np.nan)
    for found, enough in ((lower, reached >= half - tolerance), (upper, reached > half + tolerance)):
        rows = np.flatnonzero(enough)
        first = rows[np.diff(segment[rows], prepend=-1) > 0]
        found[segment[first]] = values[first]
    filled = sums > 0
    medians[filled] = (lower[filled] + upper[filled]) / 2
    return medians
