"""The most probable surface given the context, as `ivyspt.mixture.fit` finds it, for one surface."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import LinAlgError
from scipy.linalg.lapack import dpotrf, dpotrs, dtrtri

from ivyspt.flagship_config import Flagship
from ivyspt.inference.surface import ROOT_TWO_PI, Frame, Surface, log_out_of_the_money
from ivyspt.inference.trunk import Prior
from ivyspt.mixture.typical import (
    CALMER,
    FIRMER,
    LARGEST_SURPRISE,
    LONGEST_STEP,
    ROBUST_FREEDOM,
)

Array = np.ndarray


@dataclass
class Compared:
    """How far a surface is from the quotes, in log-vol, and how that moves with its latent numbers."""

    latent: Float[Array, " size"]
    residual: Float[Array, " context"]
    jacobian: Float[Array, "size context"]


@dataclass
class System:
    """Minus the log-posterior at some latent numbers, its slope, and the Gauss-Newton precision."""

    compared: Compared
    objective: float
    slope: Float[Array, " size"]
    precision: Float[Array, "size size"]
    surprise: float


class Problem:
    """The quotes of one surface, and how far a surface is from them."""

    def __init__(self, frame: Frame, prior: Prior, k: Array, tau: Array, vol: Array):
        self.frame, self.prior, self.k = frame, prior, k
        self.integrals = frame.basis(np.log(tau))[1]
        self.x, std = np.abs(k), vol * np.sqrt(tau)
        self.log_price = log_out_of_the_money(self.x, std)
        d1 = -self.x / std + std / 2
        self.by_log_price = np.exp(self.log_price + 0.5 * d1 * d1) * ROOT_TWO_PI / std

    def surface(self, latent: Float[Array, " size"]) -> Surface:
        """The surface of latent numbers."""
        return Surface(self.frame, latent.reshape(self.prior.components, -1))

    def compare(self, latent: Float[Array, " size"]) -> Compared:
        """Compare with the quotes in log-price, over its slope in log-vol."""
        surface = self.surface(latent)
        slices = surface.slices(self.k, self.integrals)
        std = np.sqrt(slices.w)
        weights = surface.log_weights[:, None]
        each = weights + log_out_of_the_money(self.x, std)
        total = np.logaddexp.reduce(each)
        d1 = -self.x / std + std / 2
        by_variance = np.exp(weights - total - 0.5 * d1 * d1) * (self.by_log_price / (2 * ROOT_TWO_PI)) / std
        by_logit = (np.exp(each - total) - np.exp(weights)) * self.by_log_price
        residual = (total - self.log_price) * self.by_log_price
        jacobian = surface.jacobian(slices, self.integrals, by_variance, by_logit).reshape(-1, len(self.k))
        return Compared(latent, residual, jacobian)

    def system(self, compared: Compared, noise: Float[Array, " context"]) -> System:
        """The normal equations under a level of noise."""
        residual, jacobian = compared.residual, compared.jacobian
        quote_precision = 1 / np.square(noise)
        surprise = np.square(residual) * quote_precision
        weighted = jacobian * (quote_precision * (ROBUST_FREEDOM + 1) / (ROBUST_FREEDOM + surprise))
        away = compared.latent - self.prior.mean
        misfit = (ROBUST_FREEDOM + 1) / 2 * np.log1p(surprise / ROBUST_FREEDOM).sum()
        precision = weighted @ jacobian.T
        precision.flat[:: len(precision) + 1] += self.prior.precision
        return System(
            compared,
            misfit + (self.prior.precision @ np.square(away)) / 2,
            weighted @ residual + self.prior.precision * away,
            precision,
            np.minimum(surprise, LARGEST_SURPRISE).sum(),
        )


def fit(problem: Problem, settings: Flagship) -> tuple[Surface, Float[Array, "size size"]]:
    """The fitted surface, and the lower Cholesky factor of the posterior precision."""
    prior = problem.prior
    first, last = settings.fit_steps_for(len(prior.noise))
    found, _ = _descend(problem, problem.compare(prior.mean), prior.noise, first, settings)
    root, _ = dtrtri(_factor(found.precision), lower=1)
    determined = len(prior.mean) - np.square(root).sum(0) @ prior.precision  # by the diagonal of the inverse
    spare = max(len(prior.noise) - determined, 0.0)
    noise = prior.noise * np.sqrt((prior.confidence + found.surprise) / (prior.confidence + spare))
    found, damping = _descend(problem, found.compared, noise, last - 1, settings)
    return problem.surface(found.compared.latent - _step(found, damping)), _factor(found.precision)


def _descend(problem: Problem, start: Compared, noise: Array, steps: int, settings: Flagship) -> tuple[System, float]:
    best, damping = problem.system(start, noise), settings.fit_damping
    for _ in range(steps):
        found = problem.system(problem.compare(best.compared.latent - _step(best, damping)), noise)
        gain = best.objective - found.objective
        if gain > 0:
            best, damping = found, damping * CALMER
            if gain < settings.fit_settled:
                break
        else:
            damping *= FIRMER
    return best, damping


def _step(system: System, damping: float) -> Array:
    precision = system.precision.copy()
    precision.flat[:: len(precision) + 1] *= 1 + damping
    move, _ = dpotrs(_factor(precision), system.slope, lower=1)
    return LONGEST_STEP * np.tanh(move / LONGEST_STEP)


def _factor(precision: Float[Array, "size size"]) -> Float[Array, "size size"]:
    """Lower Cholesky factor of a symmetric matrix; its transpose is what LAPACK reads without a copy."""
    factor, failed = dpotrf(precision.T, lower=1)
    if failed:
        raise LinAlgError(f"the posterior's precision must be positive definite, minor {failed} is not")
    return factor
