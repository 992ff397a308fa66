"""Heston's model: moments of the log price in closed form.

Heston (1993), "A closed-form solution for options with stochastic volatility", Review of Financial Studies 6(2), in the
form that is continuous along contours (Albrecher, Mayer, Schoutens & Tistaert 2007, "The little Heston trap").
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float

from ivyspt.corpus_config import Heston, VarianceLevels

LARGEST_BEND = 0.4  # radians
SAFE = 0.5  # share of the angle up to which moments decay
NEGLIGIBLE = 36.0  # e^-36 is the rounding error of double precision
GAUSSIAN_REACH = 10.0  # standard deviations; beyond it a normal integrand is negligible
MARGIN = 1.02  # of tau; moments are finite up to here


@dataclass(frozen=True)
class HestonProcess:
    """Variance v now, its long-run level V, speed kappa, volatility nu of variance, and correlation rho, by surface."""

    short: Float[np.ndarray, " surface"]
    long: Float[np.ndarray, " surface"]
    speed: Float[np.ndarray, " surface"]
    volatility: Float[np.ndarray, " surface"]
    correlation: Float[np.ndarray, " surface"]

    def _like(self, p: np.ndarray) -> list[np.ndarray]:
        shape = (-1,) + (1,) * (p.ndim - 1)
        values = (self.short, self.long, self.speed, self.volatility, self.correlation)
        return [value.reshape(shape) for value in values]

    def log_moment(
        self, p: Complex[np.ndarray, "surface ..."], tau: Float[np.ndarray, "surface ..."]
    ) -> Complex[np.ndarray, "surface ..."]:
        """log E[(S/F)^p] at tau years; Albrecher et al. (2007), eq. (3), with i u = p."""
        v, V, kappa, nu, rho = self._like(p)
        xi = kappa - rho * nu * p
        d = np.sqrt(xi**2 + nu**2 * (p - p**2))
        g = (xi - d) / (xi + d)
        decayed = np.exp(-d * tau)
        level = (xi - d) * tau - 2 * np.log((1 - g * decayed) / (1 - g))
        return (kappa * V * level + v * (xi - d) * (1 - decayed) / (1 - g * decayed)) / nu**2

    def finite(self, p: Float[np.ndarray, "surface ..."], tau: Float[np.ndarray, "surface ..."]) -> np.ndarray:
        """Whether the moment of real order p, outside [0, 1], is finite beyond tau.

        Andersen & Piterbarg (2007), "Moment explosions in stochastic volatility models", proposition 3.1.
        """
        _, _, kappa, nu, rho = self._like(p)
        b = rho * nu * p - kappa
        square = b**2 - nu**2 * (p**2 - p)
        root = np.sqrt(np.abs(square))
        with np.errstate(all="ignore"):  # branches that do not apply
            real = np.where(b < 0, np.inf, np.log((b + root) / (b - root)) / root)
            turning = 2 / root * (np.pi * (b < 0) + np.arctan(root / b))
        return np.where(square >= 0, real, turning) > MARGIN * tau

    def reach(self, tau: Float[np.ndarray, "surface ..."]) -> Float[np.ndarray, "surface ..."]:
        """Imaginary part of p beyond which M is negligible: log M falls like a normal's, then at a constant rate."""
        v, V, kappa, nu, rho = self._like(tau)
        rate = np.sqrt(1 - rho**2) * (v + kappa * V * tau) / nu
        variance = V * tau - (v - V) * np.expm1(-kappa * tau) / kappa
        return GAUSSIAN_REACH / np.sqrt(variance) + NEGLIGIBLE / rate

    def bend(self, side: float, flatness: Float[np.ndarray, "surface ..."]) -> Float[np.ndarray, "surface ..."]:
        """Half the angle up to which log M falls on contours bent to the right (side 1) or to the left (-1)."""
        rho = side * self._like(flatness)[-1]
        limit = np.arctan2(np.sqrt(1 - rho**2), np.maximum(-rho, 1e-3))
        return np.minimum(SAFE * limit, LARGEST_BEND)

    def reference(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Short level, long level and speed of the expected variance, per year."""
        return self.short, self.long, self.speed


def draw_levels(
    count: int, levels: VarianceLevels, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw variance now, its long-run level, and the speed (per year) at which it reverts."""
    low, high = levels.vols
    long_vol = np.clip(levels.long_vol * np.exp(levels.long_vol_spread * generator.standard_normal(count)), low, high)
    short_vol = np.clip(long_vol * np.exp(levels.short_vol_spread * generator.standard_normal(count)), low, high)
    return short_vol**2, long_vol**2, np.exp(generator.uniform(*np.log(levels.speed), count))


def draw_heston(count: int, heston: Heston, generator: np.random.Generator) -> HestonProcess:
    """Draw parameters: the volatility of variance from Feller's ratio 2 kappa V / nu^2.

    Below 1 the variance may touch zero, as fits to index smiles ask for.
    """
    short, long, speed = draw_levels(count, heston.levels, generator)
    feller = np.exp(generator.uniform(*np.log(heston.feller), count))
    correlation = heston.correlation_mean + heston.correlation_spread * generator.standard_normal(count)
    volatility = np.sqrt(2 * speed * long / feller)
    return HestonProcess(short, long, speed, volatility, np.clip(correlation, *heston.correlation))
