"""An arbitrage-free surface in plain arrays: the same formulas as `ivyspt.mixture`, for one surface."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from scipy.special import erfcx, expit

from ivyspt.inference.slices import Slices
from ivyspt.mixture.typical import (
    CAP_NODES,
    LARGEST_BUTTERFLY,
    LARGEST_STD,
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
ROOT_HALF, ROOT_TWO_PI = math.sqrt(0.5), math.sqrt(2 * math.pi)
RESOLUTION = 160  # nodes on which the distribution of the knots is inverted
HALLEY_STEPS = 30  # at most
SETTLED = 1e-5  # relative: each step cubes the error, so that after one as small as this it is rounding
ROUNDING = 1e-12  # relative, of the bracket's ends
_NODES = np.linspace(math.log(SHORTEST), math.log(LONGEST), CAP_NODES + 1)
_DOMAIN = np.linspace(math.log(SHORTEST), math.log(LONGEST), RESOLUTION)

_BY_LEVEL_AND_LEANS = np.array([[1.0, 0.5, 0.5], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])  # of log theta and the wing slopes


def place_knots(log_tau: Float[Array, " context"], count: int) -> Float[Array, " knot"]:
    """Quantiles of a mixture of the distinct expiries and of an even spread over log-maturity."""
    order = np.sort(log_tau)
    expiries = order[np.append(True, np.diff(order) > 1e-6)]
    passed = np.clip((_DOMAIN - expiries[:, None]) / (2 * SMEARED) + 0.5, 0, 1)
    spread = (_DOMAIN - _DOMAIN[0]) / (_DOMAIN[-1] - _DOMAIN[0])
    distribution = passed.sum(0) + SPREAD_EVENLY * spread
    distribution = (distribution - distribution[0]) / (distribution[-1] - distribution[0])
    wanted = (np.arange(count) + 0.5) / count
    after = np.clip(np.searchsorted(distribution, wanted), 1, RESOLUTION - 1)
    left, right = distribution[after - 1], distribution[after]
    share = np.clip((wanted - left) / np.maximum(right - left, 1e-12), 0, 1)
    return _DOMAIN[after - 1] + share * (_DOMAIN[after] - _DOMAIN[after - 1])


def hats(u: Float[Array, " point"], knots: Float[Array, " knot"]) -> tuple[Array, Array]:
    """Each hat at log-maturities u, and its integral from the first knot; (point, knot) each."""
    width = np.diff(knots)
    passed = np.clip((u[:, None] - knots[:-1]) / width, 0, 1)
    value, integral = np.zeros((2, len(u), len(knots)))
    value[:, 0], value[:, 1:] = 1, passed
    value[:, :-1] -= passed
    square = np.square(passed) / 2
    integral[:, 1:] = width * square
    integral[:, :-1] += width * (passed - square)
    integral[:, 0] += np.minimum(u - knots[0], 0)
    integral[:, -1] += np.maximum(u - knots[-1], 0)
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
        self.at_anchor = hats(np.array([anchor]), knots)[1]

    @cached_property
    def over_all_maturities(self) -> Float[Array, "node knot"]:
        """Integrals at the nodes on which one factor enforces the bounds."""
        return self.basis(_NODES)[1]

    def basis(self, u: Float[Array, " point"]) -> tuple[Array, Array]:
        """Hats and their integrals from the anchor."""
        value, integral = hats(u, self.knots)
        return value, integral - self.at_anchor


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
        count = len(frame.knots)
        level, lean_right, lean_left, logit = latent[:, :4].T
        shifted = latent[:, 4 : 4 + count] + SLOPE_AT_ZERO
        self.slope = np.logaddexp(0, shifted)
        self.slope_gain = expit(shifted)
        self.shares = expit(latent[:, 4 + count :] + SHARE_AT_ZERO).reshape(len(latent), 2, count)
        start = frame.base + level
        wing = start / 2 + math.log(TYPICAL_SLOPE)
        self.offsets = np.stack((start, wing + lean_right, wing + lean_left), 1)
        self.rates = np.concatenate((self.slope[:, None], self.slope[:, None] * self.shares), 1)
        self.log_weights = logit - np.logaddexp.reduce(logit)

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

    def _cap_by_latent(self, by_fields: Float[Array, "component number 3"]) -> Float[Array, "bound number"]:
        """∂/∂ latent numbers of the logarithm of the factor on the wing slopes, of each component whose bound binds."""
        bound, integrals = self.bound, self.frame.over_all_maturities
        moved = by_fields[bound.component]
        by_theta = moved[..., 0] * bound.by_theta[:, None]
        by_wings = (moved[..., 1:] @ bound.by_wings[..., None])[..., 0]
        count = integrals.shape[1]
        for found, node in ((by_theta, bound.start), (by_wings, bound.end)):
            by_knot = found[:, 4:].reshape(len(found), 3, count)
            by_knot *= integrals[node][:, None]
        return by_theta - by_wings

    def _curves(self, integrals: Array) -> Array:
        """Logarithms of theta and of the wing slopes, (3, component, point)."""
        return (self.offsets[..., None] + self.rates @ integrals.T).transpose(1, 0, 2)

    def slices(self, k: Float[Array, " point"], integrals: Array) -> Slices:
        """Evaluate each component."""
        curves = self._curves(integrals)
        if self.frame.bounds_by_maturity:
            return Slices.bounded(k, *np.exp(curves))
        curves[1:] += self._worst.factor[:, None]
        return Slices.at(k, *np.exp(curves))

    def growth(self, slices: Slices, value: Array) -> Array:
        """∂w/∂ log tau of each component, (component, point)."""
        return (slices.by_logarithms * (self.rates @ value.T)).sum(1)

    def jacobian(
        self, slices: Slices, integrals: Array, by_variance: Array, by_logit: Array, precision: type = np.float64
    ) -> Array:
        """∂/∂ latent numbers, (component, number, point)."""
        fields = (slices.by_logarithms * by_variance[:, None]).astype(precision, copy=False)
        by_fields = self._by_fields()
        found = by_fields.astype(precision, copy=False) @ fields
        found[:, 3] = by_logit
        by_knot = found[:, 4:].reshape(len(found), 3, len(self.frame.knots), -1)
        by_knot *= np.ascontiguousarray(integrals.T, precision)
        if not self.frame.bounds_by_maturity and len(self.bound.component):
            cap = self._cap_by_latent(by_fields).astype(precision, copy=False)
            for here, by_latent in zip(self.bound.component, cap, strict=True):
                found[here] += by_latent[:, None] * (fields[here, 1] + fields[here, 2])
        return found

    def _by_fields(self) -> Float[Array, "component number 3"]:
        """How latent numbers move log theta and both wing slopes; those of a knot still times its hat's integral."""
        count = len(self.frame.knots)
        found = np.zeros((len(self.slope), 4 + 3 * count, 3))
        found[:, :3] = _BY_LEVEL_AND_LEANS
        found[:, 4 : 4 + count, 0] = self.slope_gain
        moved = self.slope[:, None] * self.shares * (1 - self.shares)
        for wing in range(2):
            found[:, 4 : 4 + count, 1 + wing] = self.slope_gain * self.shares[:, wing]
            found[:, 4 + (1 + wing) * count : 4 + (2 + wing) * count, 1 + wing] = moved[:, wing]
        return found


def log_out_of_the_money(x: Array, std: Array) -> Array:
    """Logarithm of Black's out-of-the-money price (see `ivyspt.mixture.price_mixture`)."""
    std = np.minimum(std, LARGEST_STD)
    d1 = -x / std + std / 2
    return -0.5 * d1 * d1 + np.log((erfcx(-d1 * ROOT_HALF) - erfcx((std - d1) * ROOT_HALF)) / 2)


def implied_std(x: Array, log_price: Array, start: Array, low: Array, high: Array) -> Array:
    """√w at which the price has this logarithm: Halley's steps in 1/w, or halves of the bracket."""
    std = start
    for _ in range(HALLEY_STEPS):
        here = log_out_of_the_money(x, std)
        d1 = -x / std + std / 2
        gap = here - log_price
        above = gap > 0
        low, high = np.where(above, low, std), np.where(above, std, high)
        variance = std * std
        over_vega = ROOT_TWO_PI * np.exp(here + 0.5 * d1 * d1)
        newton = 2 * gap * over_vega / (variance * std)
        bend = (std / over_vega - d1 * (d1 - std) - 3) * variance / 2  # of the logarithm in 1/w, over its slope
        inverse = 1 / variance + newton / np.clip(1 + newton * bend / 2, 0.5, 2.0)
        proposed = 1 / np.sqrt(np.maximum(inverse, 1e-12))
        if (np.abs(proposed - std) <= SETTLED * std).all():
            return np.clip(proposed, low, high)
        within = (proposed >= low * (1 - ROUNDING)) & (proposed <= high * (1 + ROUNDING))
        std = np.where(within, proposed, np.sqrt(low * high))
    return std
