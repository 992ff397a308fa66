"""Bates' model: Heston's with log-normal jumps of the price.

Bates (1996), "Jumps and stochastic volatility", Review of Financial Studies 9(1).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float

from ivyspt.corpus.heston import HestonProcess, draw_heston
from ivyspt.corpus_config import Bates

SAFE_FLATNESS = 0.8  # cos(a)^2 at the largest angle


@dataclass(frozen=True)
class BatesProcess:
    """Heston's process and jumps: intensity per year, mean and standard deviation of a jump of the log price."""

    heston: HestonProcess
    intensity: Float[np.ndarray, " surface"]
    mean: Float[np.ndarray, " surface"]
    std: Float[np.ndarray, " surface"]

    def log_moment(
        self, p: Complex[np.ndarray, "surface ..."], tau: Float[np.ndarray, "surface ..."]
    ) -> Complex[np.ndarray, "surface ..."]:
        """log E[(S/F)^p] at tau years, the jumps' mean compensated."""
        shape = (-1,) + (1,) * (p.ndim - 1)
        intensity, mean, std = (value.reshape(shape) for value in (self.intensity, self.mean, self.std))
        jump = np.expm1(mean * p + std**2 * p**2 / 2) - p * np.expm1(mean + std**2 / 2)
        return self.heston.log_moment(p, tau) + intensity * tau * jump

    def finite(self, p: Float[np.ndarray, "surface ..."], tau: Float[np.ndarray, "surface ..."]) -> np.ndarray:
        """Whether the moment of real order p is finite beyond tau: log-normal jumps have every moment."""
        return self.heston.finite(p, tau)

    def reach(self, tau: Float[np.ndarray, "surface ..."]) -> Float[np.ndarray, "surface ..."]:
        """Imaginary part of p beyond which M is negligible: twice the diffusion's, as jumps delay the fall."""
        return 2 * self.heston.reach(tau)

    def bend(self, side: float, flatness: Float[np.ndarray, "surface ..."]) -> Float[np.ndarray, "surface ..."]:
        """Angle by which contours may be bent so that E[e^(p jump)] hardly grows on them either.

        Re p^2 falls where sin a <= cos(a)^2 flatness; to the side on which jumps go, e^(mean p) grows more slowly than
        the rest falls where tan a <= std / |mean|.
        """
        shape = (-1,) + (1,) * (flatness.ndim - 1)
        steepness = (np.maximum(side * self.mean, 0) / self.std).reshape(shape)
        limit = np.minimum(np.arctan2(1.0, steepness), np.arcsin(np.minimum(SAFE_FLATNESS * flatness, 1)))
        return np.minimum(self.heston.bend(side, flatness), limit)

    def reference(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Short level, long level and speed of the expected quadratic variation, per year."""
        jumps = self.intensity * (self.mean**2 + self.std**2)
        return self.heston.short + jumps, self.heston.long + jumps, self.heston.speed


def draw_bates(count: int, bates: Bates, generator: np.random.Generator) -> BatesProcess:
    """Draw Heston's parameters and jumps, mostly downwards."""
    intensity = np.exp(generator.uniform(*np.log(bates.intensity), count))
    mean = np.clip(bates.jump_mean + bates.jump_spread * generator.standard_normal(count), *bates.jumps)
    std = np.exp(generator.uniform(*np.log(bates.jump_std), count))
    return BatesProcess(draw_heston(count, bates.heston, generator), intensity, mean, std)
