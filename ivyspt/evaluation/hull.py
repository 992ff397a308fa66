"""Where a method interpolates and where it extrapolates."""

import numpy as np
from scipy.spatial import ConvexHull

from ivyspt.completion import Context

TOLERANCE = 1e-9  # rounding of coordinates of order one


def inside_hull(context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> np.ndarray:
    """Whether points lie in the convex hull of the context, in (k / (sigma_ATM sqrt(tau)), log tau), edge included.

    The hull of a context on one line is a segment.
    """
    vol = context.at_the_money_vol
    shown = _coordinates(vol, context.log_moneyness, context.time_to_maturity)
    asked = _coordinates(vol, log_moneyness, time_to_maturity)
    centre = shown.mean(axis=0)
    _, extent, axes = np.linalg.svd(shown - centre, full_matrices=True)
    extent = np.pad(extent, (0, 2 - extent.size))
    flat = extent <= TOLERANCE
    along, across = axes[~flat], axes[flat]
    on_line = (np.abs((asked - centre) @ across.T) <= TOLERANCE).all(axis=1)
    if flat.any():
        reach = (shown - centre) @ along.T
        place = (asked - centre) @ along.T
        between = (place >= reach.min(axis=0) - TOLERANCE) & (place <= reach.max(axis=0) + TOLERANCE)
        return on_line & between.all(axis=1)
    faces = ConvexHull(shown).equations
    return (asked @ faces[:, :2].T + faces[:, 2] <= TOLERANCE).all(axis=1)


def _coordinates(vol: float, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> np.ndarray:
    return np.column_stack([log_moneyness / (vol * np.sqrt(time_to_maturity)), np.log(time_to_maturity)])
