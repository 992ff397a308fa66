"""The most probable surface given the context, by damped Gauss-Newton steps from a prior that the network states."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ivyspt.flagship_config import Flagship
from ivyspt.mixture.latent import Basis, Frame, Layout, MixtureSurface
from ivyspt.mixture.price_mixture import Quoted, price_residual
from ivyspt.mixture.typical import (
    CALMEST,
    FIRMER,
    LARGEST_SURPRISE,
    LONGEST_STEP,
    ROBUST_FREEDOM,
    TYPICAL_NOISE,
)
from ivyspt.tensors import rows_of


@dataclass(frozen=True)
class Prior:
    """A Gaussian over the latent numbers and the relative noise of each quote."""

    mean: Float[Tensor, "batch size"]
    precision: Float[Tensor, "batch size"]
    noise: Float[Tensor, "batch context"]  # standard deviation of log-vol
    confidence: Float[Tensor, "batch 1"]  # how many quotes the stated level of noise is worth

    def double(self) -> "Prior":
        """The same in double precision."""
        return Prior(self.mean.double(), self.precision.double(), self.noise.double(), self.confidence.double())


@dataclass(frozen=True)
class Posterior:
    """The fitted surface, and the Cholesky factor of the posterior precision (Laplace's approximation)."""

    surface: MixtureSurface
    factor: Float[Tensor, "batch size size"]

    def variance_of(self, jacobian: Float[Tensor, "batch point size"]) -> Float[Tensor, "batch point"]:
        """Variance of what has this Jacobian in the latent numbers."""
        spread = torch.linalg.solve_triangular(self.factor, jacobian.transpose(-1, -2), upper=False)
        return spread.square().sum(-2)


@dataclass(frozen=True)
class _System:
    """Minus the log-posterior at some latent numbers, its slope, and the Gauss-Newton precision."""

    objective: Float[Tensor, " batch"]
    slope: Float[Tensor, "batch size"]
    precision: Float[Tensor, "batch size size"]
    surprise: Float[Tensor, " batch"]  # sum over quotes of squared residuals over the noise, each bounded


@dataclass(frozen=True)
class _Problem:
    """Contexts to fit, and the prior of each."""

    layout: Layout
    frame: Frame
    prior: Prior
    quoted: Quoted
    basis: Basis  # at the quotes
    present: Bool[Tensor, "batch context"]

    def of(self, rows: Tensor) -> "_Problem":
        """Some of the contexts."""
        parts = (rows_of(each, rows) for each in (self.frame, self.prior, self.quoted, self.basis))
        return _Problem(self.layout, *parts, self.present[rows])

    def system(self, latent: Float[Tensor, "batch size"], noise: Float[Tensor, "batch context"]) -> _System:
        """The normal equations under a level of noise."""
        surface, prior = MixtureSurface(self.layout, self.frame, latent), self.prior
        components = surface.components(self.quoted.k, self.basis)
        priced = price_residual(self.quoted, components.slices.w, surface.log_weights())
        residual = priced.residual
        quote_precision = torch.where(self.present, noise.square().reciprocal(), 0.0)
        surprise = (residual.square() * quote_precision).detach()
        robust = (ROBUST_FREEDOM + 1) / (ROBUST_FREEDOM + surprise)
        away = latent - prior.mean
        misfit = ((ROBUST_FREEDOM + 1) / 2 * torch.log1p(surprise / ROBUST_FREEDOM)).sum(-1)
        objective = misfit + (prior.precision * away.square()).detach().sum(-1) / 2
        jacobian = surface.jacobian(components, priced.by_variance, priced.by_logit)
        weighted = jacobian * (quote_precision * robust)[..., None]
        precision = weighted.transpose(-1, -2) @ jacobian
        precision.diagonal(dim1=-2, dim2=-1).add_(prior.precision)
        slope = (weighted * residual[..., None]).sum(-2) + prior.precision * away
        return _System(objective, slope, precision, surprise.clamp_max(LARGEST_SURPRISE).sum(-1))

    def settled(self, noise: Float[Tensor, "batch context"], gain: float) -> Float[Tensor, " batch"]:
        """The gain in log-posterior below which a fit stops, `gain` where quotes are as noisy as is typical.

        Clean quotes have more to say yet by the time that noisy ones are fitted.
        """
        log_noise = torch.where(self.present, noise.log(), 0.0).sum(-1) / self.present.sum(-1)
        return gain * (log_noise.exp() / TYPICAL_NOISE).clamp(max=1).square()


def fit(
    layout: Layout,
    frame: Frame,
    prior: Prior,
    k: Float[Tensor, "batch context"],
    tau: Float[Tensor, "batch context"],
    log_vol: Float[Tensor, "batch context"],
    present: Bool[Tensor, "batch context"],
    settings: Flagship,
) -> Posterior:
    """Fit the context.

    Quotes err by Student's t. Halfway the level of the noise is estimated anew from the residuals, as the evidence
    framework does (MacKay 1992, Neural Computation 4(3), eq. 4.9), the stated level counting for `prior.confidence`
    quotes. Differentiable in the prior: the last step alone is differentiated, which at the optimum gives what the
    implicit function theorem does.
    """
    quoted = Quoted.at(k, log_vol.exp() * tau.sqrt())
    problem = _Problem(layout, frame, prior, quoted, frame.basis(tau.log()), present)
    first, last = settings.fit_steps_for(int(present.sum(-1).max()))
    with torch.no_grad():
        latent, damping = _descend(problem, prior.mean, prior.noise, first, settings)
        found = problem.system(latent, prior.noise)
        spare = (present.sum(-1) - _parameters_determined(found, prior)).clamp_min(0)[:, None]
    noise = prior.noise * ((prior.confidence + found.surprise[:, None]) / (prior.confidence + spare)).sqrt()
    with torch.no_grad():
        latent, damping = _descend(problem, latent, noise, last - 1, settings)
    found = problem.system(latent, noise)
    latent = latent - _step(found, damping)
    return Posterior(MixtureSurface(layout, frame, latent), torch.linalg.cholesky(found.precision))


def _parameters_determined(system: _System, prior: Prior) -> Float[Tensor, " batch"]:
    """How many latent numbers the quotes determine rather than the prior (MacKay 1992, eq. 4.8)."""
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(system.precision))
    return system.slope.shape[-1] - (inverse.diagonal(dim1=-2, dim2=-1) * prior.precision).sum(-1)


def _descend(
    problem: _Problem, latent: Tensor, noise: Tensor, steps: int, settings: Flagship
) -> tuple[Float[Tensor, "batch size"], Float[Tensor, " batch"]]:
    """Steps that are taken back where they make things worse; the latent numbers and the damping that are left.

    A surface whose step gains less than what counts as settled takes no other, and is computed no more once half of
    those it is computed with have settled.
    """
    best = problem.system(latent, noise)
    settled = problem.settled(noise, settings.fit_settled)
    damping = torch.full_like(best.objective, settings.fit_damping)
    firmer = torch.full_like(damping, FIRMER)
    going = torch.ones_like(best.objective, dtype=torch.bool)
    rows, left = torch.arange(len(latent), device=latent.device), (latent.clone(), damping.clone())
    for _ in range(steps):
        if 2 * int(going.sum()) <= len(rows):
            left[0][rows], left[1][rows] = latent, damping
            if not going.any():
                break
            rows, problem, best = rows[going], problem.of(going), rows_of(best, going)
            latent, noise, settled, damping, firmer = (
                each[going] for each in (latent, noise, settled, damping, firmer)
            )
            going = going[going]
        step = _step(best, damping)
        found = problem.system(latent - step, noise)
        gain = best.objective - found.objective
        better = going & (gain > 0)
        kept = (gain / _promised(best, step)).clamp(0, 1)
        factor = torch.where(better, (1 - (2 * kept - 1).pow(3)).clamp_min(CALMEST), firmer)
        firmer = torch.where(better, FIRMER, 2 * firmer)
        latent = torch.where(better[:, None], latent - step, latent)
        best = _System(
            torch.where(better, found.objective, best.objective),
            torch.where(better[:, None], found.slope, best.slope),
            torch.where(better[:, None, None], found.precision, best.precision),
            best.surprise,
        )
        damping = torch.where(going, damping * factor, damping)
        going = going & ~(better & (gain < settled))
    left[0][rows], left[1][rows] = latent, damping
    return left


def _promised(system: _System, step: Float[Tensor, "batch size"]) -> Float[Tensor, " batch"]:
    """What a step would gain if residuals were linear."""
    bend = (system.precision @ step[..., None])[..., 0]
    return (step * (system.slope - bend / 2)).sum(-1)


def _step(system: _System, damping: Float[Tensor, " batch"]) -> Float[Tensor, "batch size"]:
    damped = system.precision.clone()
    damped.diagonal(dim1=-2, dim2=-1).add_(damping[:, None] * system.precision.diagonal(dim1=-2, dim2=-1))
    factor = torch.linalg.cholesky(damped)
    move = torch.cholesky_solve(system.slope[..., None], factor)[..., 0]
    return LONGEST_STEP * torch.tanh(move / LONGEST_STEP)
