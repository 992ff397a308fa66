"""Contexts of equal size, stacked in the scaled coordinates that smoothers fit in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ivyspt.baselines.coordinates import Coordinates, coordinates
from ivyspt.completion import Context

STACK_NUMBERS = 2_000_000  # of an array (surface, point, point)


@dataclass(frozen=True)
class Stack:
    """Contexts of one size: their numbers, z = k / (sigma_ATM sqrt(tau)) and log(tau), and log vol about its mean.

    `points` (surface, point, 2), `values` (surface, point), `mean` (surface,); points in the order of (tau, k).
    """

    numbers: list[int]
    points: np.ndarray
    values: np.ndarray
    mean: np.ndarray


def stacks(contexts: Sequence[Context]) -> Iterator[Stack]:
    """Every context, in stacks whose arrays (surface, point, point) stay small."""
    sizes = np.array([context.implied_vol.size for context in contexts])
    for size in np.unique(sizes).tolist():
        members = np.flatnonzero(sizes == size).tolist()
        most = max(1, STACK_NUMBERS // size**2)
        for start in range(0, len(members), most):
            numbers = members[start : start + most]
            ordered = [_ordered(contexts[i]) for i in numbers]
            points, log_vol = (np.stack(each) for each in zip(*ordered, strict=True))
            mean = log_vol.mean(axis=1)
            yield Stack(numbers, points, log_vol - mean[:, None], mean)


def thinned(stack: Stack, most: int) -> Stack:
    """The same contexts with at most so many points each, evenly over their order."""
    n = stack.values.shape[1]
    if n <= most:
        return stack
    kept = np.linspace(0, n - 1, most).round().astype(int)
    return Stack(stack.numbers, stack.points[:, kept], stack.values[:, kept], stack.mean)


def _ordered(context: Context) -> tuple[np.ndarray, np.ndarray]:
    order = np.lexsort((context.implied_vol, context.log_moneyness, context.time_to_maturity))
    k, tau = context.log_moneyness[order], context.time_to_maturity[order]
    return coordinates("standardised", context, k, tau).points, np.log(context.implied_vol[order])


def asked_coordinates(context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Coordinates:
    """The same coordinates of the points asked for."""
    return coordinates("standardised", context, log_moneyness, time_to_maturity)
