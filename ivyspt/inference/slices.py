"""eSSVI slices in plain arrays: the same formulas as `ivyspt.mixture.essvi_slices` and `ivyspt.mixture.wing_bounds`."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from ivyspt.mixture.typical import LARGEST_WING

Array = np.ndarray
_BY_LARGEST = math.exp(-4 * LARGEST_WING)


@dataclass(frozen=True)
class WingShares:
    """How the logarithms of bounded wing slopes move with their own ones before the bounds, and with √theta."""

    right: Float[Array, "component point"]
    left: Float[Array, "component point"]
    right_by_root: Float[Array, "component point"]
    left_by_root: Float[Array, "component point"]


@dataclass(frozen=True)
class Slices:
    """Each component at points, (component, point) each."""

    k: Float[Array, " point"]
    theta: Array
    right: Array
    left: Array
    root: Array
    drift: Array
    outer: Array
    shares: WingShares | None  # none where wing slopes are as they are given

    @classmethod
    def at(
        cls, k: Float[Array, " point"], theta: Array, right: Array, left: Array, shares: WingShares | None = None
    ) -> "Slices":
        """Of components with these at-the-money variances and wing slopes."""
        d = (right - left) / 2
        root = np.sqrt(np.square((right + left) / 2 * k) + 2 * d * k * theta + np.square(theta))
        drift = theta + d * k
        return cls(k, theta, right, left, root, drift, np.abs(drift) + root, shares)

    @classmethod
    def bounded(cls, k: Float[Array, " point"], theta: Array, right: Array, left: Array) -> "Slices":
        """Of components whose wing slopes are kept below the bounds of their own maturity."""
        by_root = 1 / np.square(4 * theta)
        own_right, own_left = 1 / np.square(np.square(right)), 1 / np.square(np.square(left))
        of_right, of_left = own_right + by_root + _BY_LARGEST, own_left + by_root + _BY_LARGEST
        shares = WingShares(own_right / of_right, own_left / of_left, by_root / of_right, by_root / of_left)
        return cls.at(k, theta, 1 / np.sqrt(np.sqrt(of_right)), 1 / np.sqrt(np.sqrt(of_left)), shares)

    @cached_property
    def w(self) -> Array:
        """Total variance."""
        return np.where(self.drift >= 0, self.outer, self.right * self.left * np.square(self.k) / self.outer) / 2

    @cached_property
    def w_k(self) -> Array:
        """∂w/∂k."""
        s, d = (self.right + self.left) / 2, (self.right - self.left) / 2
        return (d + (s * s * self.k + d * self.theta) / self.root) / 2

    @cached_property
    def w_kk(self) -> Array:
        """∂²w/∂k²."""
        return np.square(self.theta) * self.right * self.left / (2 * self.root * self.root * self.root)

    @cached_property
    def by_logarithms(self) -> Float[Array, "component 3 point"]:
        """∂w by the logarithms of theta and of both wing slopes, before bounds on these."""
        lean = self.k * (1 + self.theta / self.root)
        bend = (self.right + self.left) * np.square(self.k) / (2 * self.root)
        found = np.empty((len(self.theta), 3, len(self.k)))
        found[:, 0] = self.theta * (1 + self.drift / self.root) / 2
        found[:, 1] = self.right * (bend + lean) / 4
        found[:, 2] = self.left * (bend - lean) / 4
        if self.shares is not None:
            by_root = self.shares.right_by_root * found[:, 1] + self.shares.left_by_root * found[:, 2]
            found[:, 0] += by_root / 2
            found[:, 1] *= self.shares.right
            found[:, 2] *= self.shares.left
        return found
