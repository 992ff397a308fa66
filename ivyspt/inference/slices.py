"""eSSVI slices in compiled loops: the formulas of `ivyspt.mixture.essvi_slices` and `ivyspt.mixture.wing_bounds`."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ivyspt.inference.compiled import compiled
from ivyspt.mixture.typical import LARGEST_WING

Array = np.ndarray
_BY_LARGEST = math.exp(-4 * LARGEST_WING)


class Slices(NamedTuple):
    """Each component at points, (component, point) each."""

    w: Array  # total variance
    w_k: Array
    w_kk: Array
    # ∂w by the logarithms of theta and of both wing slopes, before bounds on these
    by_logarithms: Float[Array, "component 3 point"]


@compiled
def evaluate(
    k: Float[Array, " point"],
    offsets: Float[Array, "component 3"],
    rates: Float[Array, "component 3 knot"],
    integrals: Float[Array, "knot point"],
    bounded: bool,
) -> tuple[Array, Array, Array, Array]:
    """The slices whose logarithms of theta and of both wing slopes are offsets + rates @ integrals.

    Where they are bounded, wing slopes are kept below the bounds of their own maturity.
    """
    components, points = len(offsets), len(k)
    w, w_k, w_kk = np.empty((components, points)), np.empty((components, points)), np.empty((components, points))
    by_logarithms = np.empty((components, 3, points))
    for c in range(components):
        curves = combine(offsets[c], rates[c], integrals)
        for p in range(points):
            if bounded:
                w[c, p], w_k[c, p], w_kk[c, p], fields = _bounded(k[p], curves[0, p], curves[1, p], curves[2, p])
            else:
                theta, right, left = math.exp(curves[0, p]), math.exp(curves[1, p]), math.exp(curves[2, p])
                w[c, p], w_k[c, p], w_kk[c, p], fields = _slice(k[p], theta, right, left)
            by_logarithms[c, 0, p], by_logarithms[c, 1, p], by_logarithms[c, 2, p] = fields
    return w, w_k, w_kk, by_logarithms


@compiled
def combine(
    offsets: Float[Array, " curve"], rates: Float[Array, "curve knot"], basis: Float[Array, "knot point"]
) -> Float[Array, "curve point"]:
    """Offsets + rates @ basis."""
    found = np.empty((len(offsets), basis.shape[1]))
    for curve in range(len(offsets)):
        row = found[curve]
        row[:] = offsets[curve]
        for knot in range(len(basis)):
            rate = rates[curve, knot]
            for p in range(len(row)):
                row[p] += rate * basis[knot, p]
    return found


@compiled
def _slice(k: float, theta: float, right: float, left: float) -> tuple[float, float, float, tuple[float, float, float]]:
    """w, w_k, w_kk, and ∂w by the logarithms of theta and of both wing slopes."""
    s, d = (right + left) / 2, (right - left) / 2
    root = math.sqrt((s * k) * (s * k) + 2 * d * k * theta + theta * theta)
    drift = theta + d * k
    outer = abs(drift) + root
    w = (outer if drift >= 0 else right * left * k * k / outer) / 2
    w_k = (d + (s * s * k + d * theta) / root) / 2
    w_kk = theta * theta * right * left / (2 * root * root * root)
    lean, bend = k * (1 + theta / root), s * k * k / root
    return w, w_k, w_kk, (theta * (1 + drift / root) / 2, right * (bend + lean) / 4, left * (bend - lean) / 4)


@compiled
def _bounded(
    k: float, log_theta: float, log_right: float, log_left: float
) -> tuple[float, float, float, tuple[float, float, float]]:
    """The same, of a slice whose wing slopes are kept below the bounds of its maturity."""
    theta = math.exp(log_theta)
    by_root = 1 / (16 * theta * theta)
    own_right, own_left = math.exp(-4 * log_right), math.exp(-4 * log_left)
    of_right, of_left = own_right + by_root + _BY_LARGEST, own_left + by_root + _BY_LARGEST
    right, left = 1 / math.sqrt(math.sqrt(of_right)), 1 / math.sqrt(math.sqrt(of_left))
    w, w_k, w_kk, (by_theta, by_right, by_left) = _slice(k, theta, right, left)
    by_theta += (by_root / of_right * by_right + by_root / of_left * by_left) / 2
    return w, w_k, w_kk, (by_theta, own_right / of_right * by_right, own_left / of_left * by_left)
