"""An arbitrage-free surface in plain arrays: the same formulas as `ivyspt.mixture`, for one surface."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from scipy.special import expit

from ivyspt.inference.compiled import compiled
from ivyspt.inference.slices import Slices, evaluate
from ivyspt.mixture.typical import (
    CAP_NODES,
    LARGEST_BUTTERFLY,
    LARGEST_WING,
    LONGEST,
    SHARE_AT_ZERO,
    SHORTEST,
    SLOPE_AT_ZERO,
    SMEARED,
    SPREAD_EVENLY,
    TYPICAL_SLOPE,
)

Array = np.ndarray
RESOLUTION = 160  # nodes on which the distribution of the knots is inverted
_NODES = np.linspace(math.log(SHORTEST), math.log(LONGEST), CAP_NODES + 1)
_DOMAIN = np.linspace(math.log(SHORTEST), math.log(LONGEST), RESOLUTION)


@compiled
def place_knots(log_tau: Float[Array, " context"], count: int) -> Float[Array, " knot"]:
    """Quantiles of a mixture of the distinct expiries and of an even spread over log-maturity."""
    order = np.sort(log_tau)
    distribution = SPREAD_EVENLY * np.arange(RESOLUTION) / (RESOLUTION - 1)
    for quote in range(len(order)):
        if quote == 0 or order[quote] - order[quote - 1] > 1e-6:
            for node in range(RESOLUTION):
                distribution[node] += min(max((_DOMAIN[node] - order[quote]) / (2 * SMEARED) + 0.5, 0.0), 1.0)
    distribution = (distribution - distribution[0]) / (distribution[-1] - distribution[0])
    knots = np.empty(count)
    for knot in range(count):
        wanted = (knot + 0.5) / count
        after = min(max(np.searchsorted(distribution, wanted), 1), RESOLUTION - 1)
        left, right = distribution[after - 1], distribution[after]
        share = min(max((wanted - left) / max(right - left, 1e-12), 0.0), 1.0)
        knots[knot] = _DOMAIN[after - 1] + share * (_DOMAIN[after] - _DOMAIN[after - 1])
    return knots


@compiled
def hats(u: Float[Array, " point"], knots: Float[Array, " knot"]) -> tuple[Array, Array]:
    """Each hat at log-maturities u, and its integral from the first knot; (knot, point) each."""
    count, points = len(knots), len(u)
    value, integral = np.zeros((count, points)), np.zeros((count, points))
    for p in range(points):
        value[0, p] = 1.0
        integral[0, p] = min(u[p] - knots[0], 0.0)
        integral[-1, p] = max(u[p] - knots[-1], 0.0)
    for knot in range(count - 1):
        width = knots[knot + 1] - knots[knot]
        for p in range(points):
            passed = min(max((u[p] - knots[knot]) / width, 0.0), 1.0)
            value[knot, p] -= passed
            value[knot + 1, p] = passed
            integral[knot, p] += width * (passed - passed * passed / 2)
            integral[knot + 1, p] += width * (passed * passed / 2)
    return value, integral


class Frame:
    """What the context's coordinates fix: knots, anchor and base level; and how wing slopes are bounded."""

    def __init__(
        self,
        log_tau: Float[Array, " context"],
        mean_log_vol: float,
        knots: Float[Array, " knot"],
        bounds_by_maturity: bool,
    ):
        self.knots, self.bounds_by_maturity = knots, bounds_by_maturity
        anchor = log_tau.mean()
        self.base = 2 * mean_log_vol + anchor
        self.at_anchor = hats(np.array([anchor]), knots)[1][:, 0]

    @cached_property
    def over_all_maturities(self) -> Float[Array, "knot node"]:
        """Integrals at the nodes on which one factor enforces the bounds."""
        return self.basis(_NODES)[1]

    def basis(self, u: Float[Array, " point"]) -> tuple[Array, Array]:
        """Hats and their integrals from the anchor."""
        value, integral = hats(u, self.knots)
        return value, integral - self.at_anchor[:, None]


@dataclass(frozen=True)
class Bound:
    """Where some components' wing slopes must be lowered most, and how much the bound moves with the curves there."""

    component: Int[Array, " bound"]
    start: Int[Array, " bound"]  # node of theta
    end: Int[Array, " bound"]  # node of the wing slopes
    by_theta: Float[Array, " bound"]
    by_wings: Float[Array, "bound 2"]  # downwards


@dataclass(frozen=True)
class Worst:
    """Wing slopes at the nodes, and how far each component passes the bounds of butterflies and of Lee; logarithms."""

    right: Float[Array, "component node"]
    left: Float[Array, "component node"]
    cell: Int[Array, " component"]  # in which the bound of butterflies is passed furthest
    butterfly: Float[Array, " component"]
    lee: Float[Array, " component"]

    @cached_property
    def factor(self) -> Float[Array, " component"]:
        """Logarithm of the factor on the component's wing slopes."""
        return -np.maximum(np.maximum(self.butterfly, self.lee), 0)


class Surface:
    """One mixture of eSSVI surfaces, from its latent numbers."""

    def __init__(self, frame: Frame, latent: Float[Array, "component number"]):
        self.frame = frame
        self.offsets, self.rates, self.by_fields, self.log_weights = _read(latent, frame.base, len(frame.knots))

    @cached_property
    def _worst(self) -> "Worst":
        """How far the bounds are passed at the maturity where they are passed furthest."""
        theta, right, left = self._curves(self.frame.over_all_maturities)
        steepest = np.maximum(right, left)
        mean = np.logaddexp(right, left) - math.log(2)
        butterfly = ((mean + steepest)[:, 1:] - theta[:, :-1] - LARGEST_BUTTERFLY) / 2
        cell = butterfly.argmax(-1)
        return Worst(right, left, cell, butterfly[np.arange(len(butterfly)), cell], steepest[:, -1] - LARGEST_WING)

    @cached_property
    def bound(self) -> Bound:
        """What binds, where the factor on the wing slopes is below one."""
        worst = self._worst
        component = np.flatnonzero(worst.factor < 0)
        of_butterfly = (worst.butterfly >= worst.lee)[component]
        start = worst.cell[component]
        end = np.where(of_butterfly, start + 1, CAP_NODES)
        right, left = (each[component, end] for each in (worst.right, worst.left))
        by_right = (right > left).astype(float)
        by_right = np.where(of_butterfly, (expit(right - left) + by_right) / 2, by_right)
        by_wings = np.stack((by_right, 1 - by_right), 1)  # either bound grows by as much as both slopes do
        return Bound(component, start, end, np.where(of_butterfly, 0.5, 0.0), by_wings)

    def _cap_by_latent(self) -> Float[Array, "bound number"]:
        """∂/∂ latent numbers of the logarithm of the factor on the wing slopes, of each component whose bound binds."""
        bound, integrals = self.bound, self.frame.over_all_maturities
        moved = self.by_fields[bound.component]
        by_theta = moved[..., 0] * bound.by_theta[:, None]
        by_wings = (moved[..., 1:] @ bound.by_wings[..., None])[..., 0]
        count = len(integrals)
        for found, node in ((by_theta, bound.start), (by_wings, bound.end)):
            by_knot = found[:, 4:].reshape(len(found), 3, count)
            by_knot *= integrals.T[node][:, None]
        return by_theta - by_wings

    def _curves(self, integrals: Float[Array, "knot point"]) -> Float[Array, "3 component point"]:
        """Logarithms of theta and of the wing slopes."""
        return (self.offsets[..., None] + self.rates @ integrals).transpose(1, 0, 2)

    def slices(self, k: Float[Array, " point"], integrals: Float[Array, "knot point"]) -> Slices:
        """Evaluate each component."""
        offsets, by_maturity = self.offsets, self.frame.bounds_by_maturity
        if not by_maturity:
            offsets = offsets + self._worst.factor[:, None] * np.array([0.0, 1.0, 1.0])
        return Slices(*evaluate(k, offsets, self.rates, integrals, by_maturity))

    def jacobian(
        self, slices: Slices, integrals: Array, by_variance: Array, by_logit: Array, precision: type = np.float64
    ) -> Array:
        """∂/∂ latent numbers, (component, number, point)."""
        fields = slices.by_logarithms * by_variance[:, None]
        found = np.empty((*self.by_fields.shape[:2], by_logit.shape[-1]), precision)
        _fill_jacobian(found, self.by_fields, fields, by_logit, integrals)
        if not self.frame.bounds_by_maturity and len(self.bound.component):
            cap = self._cap_by_latent()
            for here, by_latent in zip(self.bound.component, cap, strict=True):
                found[here] += by_latent[:, None] * (fields[here, 1] + fields[here, 2])
        return found


@compiled
def _read(latent: Array, base: float, count: int) -> tuple[Array, Array, Array, Array]:
    """Of latent numbers, (component, number).

    Returns offsets and rates of the logarithms of theta and of both wing slopes, how latent numbers move these (those
    of a knot still times its hat's integral), and the logarithms of the weights.
    """
    components = len(latent)
    offsets, rates = np.empty((components, 3)), np.empty((components, 3, count))
    by_fields = np.zeros((components, 4 + 3 * count, 3))
    for c in range(components):
        start = base + latent[c, 0]
        wing = start / 2 + math.log(TYPICAL_SLOPE)
        offsets[c] = start, wing + latent[c, 1], wing + latent[c, 2]
        by_fields[c, 0] = 1.0, 0.5, 0.5
        by_fields[c, 1, 1] = by_fields[c, 2, 2] = 1.0
        for knot in range(count):
            shifted = latent[c, 4 + knot] + SLOPE_AT_ZERO
            slope = max(shifted, 0.0) + math.log1p(math.exp(-abs(shifted)))
            gain = _expit(shifted)
            rates[c, 0, knot], by_fields[c, 4 + knot, 0] = slope, gain
            for wing in range(1, 3):
                number = 4 + wing * count + knot
                share = _expit(latent[c, number] + SHARE_AT_ZERO)
                rates[c, wing, knot] = slope * share
                by_fields[c, 4 + knot, wing] = gain * share
                by_fields[c, number, wing] = slope * share * (1 - share)
    logits = latent[:, 3]
    most = logits.max()
    return offsets, rates, by_fields, logits - (most + math.log(np.exp(logits - most).sum()))


@compiled
def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@compiled
def _fill_jacobian(found: Array, by_fields: Array, fields: Array, by_logit: Array, integrals: Array) -> None:
    """Of all but bounds over all maturities; `found` is (component, number, point) in the precision it is wanted in."""
    components, numbers, points = found.shape
    count = len(integrals)
    for c in range(components):
        for number in range(numbers):
            row, (by_theta, by_right, by_left) = found[c, number], by_fields[c, number]
            if number == 3:
                row[:] = by_logit[c]
                continue
            for p in range(points):
                row[p] = by_theta * fields[c, 0, p] + by_right * fields[c, 1, p] + by_left * fields[c, 2, p]
            if number > 3:
                integral = integrals[(number - 4) % count]
                for p in range(points):
                    row[p] *= integral[p]
