"""An arbitrage-free surface in plain arrays: the same formulas as `ivyspt.mixture`, for one surface."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import erfcx, expit

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
ROOT_HALF, ROOT_TWO_PI = math.sqrt(0.5), math.sqrt(2 * math.pi)
RESOLUTION = 160  # nodes on which the distribution of the knots is inverted
HALLEY_STEPS = 30  # at most
SETTLED = 1e-5  # relative: each step cubes the error, so that after one as small as this it is rounding
ROUNDING = 1e-12  # relative, of the bracket's ends
_NODES = np.linspace(math.log(SHORTEST), math.log(LONGEST), CAP_NODES + 1)
_DOMAIN = np.linspace(math.log(SHORTEST), math.log(LONGEST), RESOLUTION)


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
    """What the context's coordinates fix: knots, anchor, base level, and the basis at the nodes of the bounds."""

    def __init__(self, log_tau: Float[Array, " context"], mean_log_vol: float, knots: Float[Array, " knot"]):
        self.knots = knots
        anchor = log_tau.mean()
        self.base = 2 * mean_log_vol + anchor
        self.at_anchor = hats(np.array([anchor]), knots)[1]
        self.over_all_maturities = self.basis(_NODES)[1]

    def basis(self, u: Float[Array, " point"]) -> tuple[Array, Array]:
        """Hats and their integrals from the anchor."""
        value, integral = hats(u, self.knots)
        return value, integral - self.at_anchor


@dataclass(frozen=True)
class Slices:
    """Total variance of each component at points and its derivatives, (component, point) each."""

    w: Array
    w_k: Array
    w_kk: Array
    by_log_theta: Array
    by_log_right: Array
    by_log_left: Array


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
        self.cap = self._cap()
        self.log_weights = logit - np.logaddexp.reduce(logit)

    def _cap(self) -> Float[Array, " component"]:
        theta, right, left = self._curves(self.frame.over_all_maturities)
        steepest = np.maximum(right, left)
        mean = np.logaddexp(right, left) - math.log(2)
        butterfly = (mean + steepest)[:, 1:] - theta[:, :-1] - LARGEST_BUTTERFLY
        return -np.maximum(np.maximum(butterfly.max(-1) / 2, steepest[:, -1] - LARGEST_WING), 0)

    def _curves(self, integrals: Array) -> Array:
        """Logarithms of theta and of the wing slopes, (3, component, point)."""
        return (self.offsets[..., None] + self.rates @ integrals.T).transpose(1, 0, 2)

    def slices(self, k: Float[Array, " point"], integrals: Array) -> Slices:
        """Evaluate each component; the same as `ivyspt.mixture.essvi_slices`."""
        curves = self._curves(integrals)
        curves[1:] += self.cap[:, None]
        theta, right, left = np.exp(curves)
        s, d = (right + left) / 2, (right - left) / 2
        product = right * left
        root = np.sqrt(np.square(s * k) + 2 * d * k * theta + np.square(theta))
        lean, bend, drift = k * (1 + theta / root), s * k * k / root, theta + d * k
        outer = np.abs(drift) + root
        return Slices(
            w=np.where(drift >= 0, outer, product * k * k / outer) / 2,
            w_k=(d + (s * s * k + d * theta) / root) / 2,
            w_kk=np.square(theta) * product / (2 * root**3),
            by_log_theta=theta * (1 + drift / root) / 2,
            by_log_right=right * (bend + lean) / 4,
            by_log_left=left * (bend - lean) / 4,
        )

    def growth(self, slices: Slices, value: Array) -> Array:
        """∂w/∂ log tau of each component, (component, point)."""
        theta, right, left = (self.rates @ value.T).transpose(1, 0, 2)
        return slices.by_log_theta * theta + slices.by_log_right * right + slices.by_log_left * left

    def jacobian(
        self, slices: Slices, integrals: Array, by_variance: Array, by_logit: Array, precision: type = np.float64
    ) -> Array:
        """∂/∂ latent numbers, (component, number, point)."""
        fields = (slices.by_log_theta, slices.by_log_right, slices.by_log_left)
        theta, right, left = ((part * by_variance).astype(precision, copy=False) for part in fields)
        count = len(self.frame.knots)
        found = np.empty((len(theta), 4 + 3 * count, theta.shape[1]), precision)
        found[:, 0], found[:, 1], found[:, 2], found[:, 3] = theta + (right + left) / 2, right, left, by_logit
        basis = np.ascontiguousarray(integrals.T, precision)
        shares = self.shares.astype(precision, copy=False)[..., None]
        gain, slope = (each.astype(precision, copy=False)[..., None] for each in (self.slope_gain, self.slope))
        moved = slope[:, None] * shares * (1 - shares)
        # by each slope of log theta: of theta, and of the wings, which take their shares of it
        own = found[:, 4 : 4 + count]
        np.multiply(right[:, None], shares[:, 0], out=own)
        own += left[:, None] * shares[:, 1]
        own += theta[:, None]
        own *= basis
        own *= gain
        for wing, part in ((0, right), (1, left)):
            by_share = found[:, 4 + (1 + wing) * count : 4 + (2 + wing) * count]
            np.multiply(part[:, None], basis, out=by_share)
            by_share *= moved[:, wing]
        return found


def log_out_of_the_money(x: Array, std: Array) -> Array:
    """Logarithm of Black's out-of-the-money price (see `ivyspt.mixture.price_mixture`)."""
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
