"""The most probable surface given the context, as `ivyspt.mixture.fit` finds it, for one surface."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import LinAlgError
from scipy.linalg.lapack import dpotrf, dpotrs, dtrtri

from ivyspt.flagship_config import Flagship
from ivyspt.inference.compiled import ROOT_TWO_PI, black, compiled, log_out_of_the_money
from ivyspt.inference.slices import Slices
from ivyspt.inference.surface import Frame, Surface
from ivyspt.inference.trunk import Prior
from ivyspt.mixture.typical import (
    CALMEST,
    FIRMER,
    LARGEST_SURPRISE,
    LONGEST_STEP,
    ROBUST_FREEDOM,
    TYPICAL_NOISE,
)

Array = np.ndarray


@dataclass
class Compared:
    """How far the surface of some latent numbers is from the quotes, in log-vol."""

    latent: Float[Array, " size"]
    surface: Surface
    slices: Slices
    residual: Float[Array, " context"]
    by_variance: Float[Array, "component context"]  # how the residual moves with each component's variance
    by_logit: Float[Array, "component context"]

    def jacobian(self, integrals: Float[Array, "knot context"]) -> Float[Array, "size context"]:
        """How the residual moves with the latent numbers; dear, so that only steps that are kept ask for it."""
        found = self.surface.jacobian(self.slices, integrals, self.by_variance, self.by_logit)
        return found.reshape(-1, len(self.residual))


@compiled
def _compare(
    x: Array, each_w: Array, log_weights: Array, log_price: Array, by_log_price: Array
) -> tuple[Array, Array, Array]:
    """The residual, and how it moves with each component's variance and with the logarithm of its weight."""
    components, points = each_w.shape
    residual, each = np.empty(points), np.empty(components)
    by_variance, by_logit = np.empty((components, points)), np.empty((components, points))
    for p in range(points):
        most = -np.inf
        for c in range(components):
            each[c], d1, _, _ = black(x[p], math.sqrt(each_w[c, p]))
            each[c] += log_weights[c]
            by_variance[c, p] = log_weights[c] - 0.5 * d1 * d1
            most = max(most, each[c])
        total = most + math.log(np.exp(each - most).sum())
        for c in range(components):
            by_logit[c, p] = (math.exp(each[c] - total) - math.exp(log_weights[c])) * by_log_price[p]
            density = math.exp(by_variance[c, p] - total) / (2 * ROOT_TWO_PI)
            by_variance[c, p] = density * by_log_price[p] / math.sqrt(each_w[c, p])
        residual[p] = (total - log_price[p]) * by_log_price[p]
    return residual, by_variance, by_logit


@dataclass
class System:
    """The slope of minus the log-posterior at some latent numbers, and the Gauss-Newton precision."""

    compared: Compared
    slope: Float[Array, " size"]
    precision: Float[Array, "size size"]


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
        found = _compare(self.x, slices.w, surface.log_weights, self.log_price, self.by_log_price)
        return Compared(latent, surface, slices, *found)

    def objective(self, compared: Compared, noise: Float[Array, " context"]) -> float:
        """Minus the log-posterior under a level of noise."""
        misfit = np.log1p(np.square(compared.residual / noise) / ROBUST_FREEDOM).sum()
        away = compared.latent - self.prior.mean
        return (ROBUST_FREEDOM + 1) / 2 * misfit + (self.prior.precision @ np.square(away)) / 2

    def system(self, compared: Compared, noise: Float[Array, " context"]) -> System:
        """The normal equations under a level of noise."""
        jacobian = compared.jacobian(self.integrals)
        robust = (ROBUST_FREEDOM + 1) / (ROBUST_FREEDOM + np.square(compared.residual / noise))
        weighted = jacobian * (robust / np.square(noise))
        away = compared.latent - self.prior.mean
        precision = weighted @ jacobian.T
        precision.flat[:: len(precision) + 1] += self.prior.precision
        slope = weighted @ compared.residual + self.prior.precision * away
        return System(compared, slope, precision)


def fit(problem: Problem, settings: Flagship) -> tuple[Surface, Float[Array, "size size"]]:
    """The fitted surface, and the lower Cholesky factor of the posterior precision."""
    prior = problem.prior
    first, last = settings.fit_steps_for(len(prior.noise))
    found, _ = _descend(problem, problem.compare(prior.mean), prior.noise, first, settings)
    root, _ = dtrtri(_factor(found.precision), lower=1)
    determined = len(prior.mean) - np.square(root).sum(0) @ prior.precision  # by the diagonal of the inverse
    spare = max(len(prior.noise) - determined, 0.0)
    surprise = np.minimum(np.square(found.compared.residual / prior.noise), LARGEST_SURPRISE).sum()
    noise = prior.noise * np.sqrt((prior.confidence + surprise) / (prior.confidence + spare))
    found, damping = _descend(problem, found.compared, noise, last - 1, settings)
    return problem.surface(found.compared.latent - _step(found, damping)), _factor(found.precision)


def _descend(problem: Problem, start: Compared, noise: Array, steps: int, settings: Flagship) -> tuple[System, float]:
    best, objective = problem.system(start, noise), problem.objective(start, noise)
    damping, firmer = settings.fit_damping, FIRMER
    settled = settings.fit_settled * min(math.exp(np.log(noise).mean()) / TYPICAL_NOISE, 1.0) ** 2
    for _ in range(steps):
        step = _step(best, damping)
        found = problem.compare(best.compared.latent - step)
        proposed = problem.objective(found, noise)
        gain = objective - proposed
        if gain > 0:
            promised = step @ (best.slope - best.precision @ step / 2)
            kept = min(max(gain / promised, 0.0), 1.0)
            damping *= max(CALMEST, 1 - (2 * kept - 1) ** 3)
            best, objective, firmer = problem.system(found, noise), proposed, FIRMER
            if gain < settled:
                break
        else:
            damping *= firmer
            firmer *= 2
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
