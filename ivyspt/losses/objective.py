"""Fit loss and arbitrage penalties (paper, Surface Arbitrage Free Loss)."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ivyspt.arbitrage import durrleman_g
from ivyspt.batches.batch import Batch
from ivyspt.batches.share import WHOLE, Share
from ivyspt.config import Losses
from ivyspt.jets import KK, TAU, VALUE, K
from ivyspt.losses.collocation import collocation_points
from ivyspt.model.ivyspt import Fitted, IvySPT

NAMES = ("fit", "calendar", "butterfly")
SMALLEST_VARIANCE = 1e-8  # only the as-published head can fall below; g divides by w


@dataclass(frozen=True)
class Objective:
    """The three losses of a batch, each a mean over its points, in the order of `NAMES`."""

    losses: Float[Tensor, "3"]
    fitted: Fitted


def calendar_penalty(w_tau: Float[Tensor, "*point"]) -> Float[Tensor, "*point"]:
    """max(0, -∂w/∂τ)²: positive where total variance falls with maturity."""
    return (-w_tau).clamp_min(0).square()


def butterfly_penalty(g: Float[Tensor, "*point"]) -> Float[Tensor, "*point"]:
    """max(0, -g)²: positive where the implied density is negative."""
    return (-g).clamp_min(0).square()


def masked_mean(
    values: Float[Tensor, "batch point"], counted: Bool[Tensor, "batch point"], share: Share = WHOLE
) -> Float[Tensor, ""]:
    """Mean over the points that count, of all processes."""
    return share.total(torch.where(counted, values, 0.0).sum() / share.total(counted.sum()).clamp_min(1))


def objective(
    model: IvySPT,
    batch: Batch,
    settings: Losses,
    generator: torch.Generator,
    derivatives: bool = True,
    share: Share = WHOLE,
) -> Objective:
    """Complete a batch and measure fit and arbitrage, at the targets and at fresh collocation points.

    Without `derivatives` both penalties are zero and the forward pass is the plain one. With a `share` the process
    completes its surfaces alone, while the losses are those of the whole batch; their gradients, summed over processes,
    are those of the whole batch too.
    """
    targets = batch.asked.shape[1]
    asked_more = batch
    if derivatives and settings.collocation_points:
        k, tau = collocation_points(batch, settings, generator)
        asked_more = replace(
            batch,
            target_log_moneyness=torch.cat((batch.target_log_moneyness, k), 1),
            target_time_to_maturity=torch.cat((batch.target_time_to_maturity, tau), 1),
            asked=torch.cat((batch.asked, torch.ones_like(k, dtype=torch.bool)), 1),
        )
    batch, asked_more = share.of(batch), share.of(asked_more)
    fitted = model(asked_more, derivatives, share.generator or generator)
    fit = masked_mean(_squared_error(fitted, batch, targets, settings), batch.asked, share)
    if not derivatives:
        return Objective(torch.stack((fit, torch.zeros_like(fit), torch.zeros_like(fit))), fitted)
    w = fitted.total_variance
    positive = w[VALUE].clamp_min(SMALLEST_VARIANCE)
    as_published = settings.butterfly_formula == "as_published"
    g = durrleman_g(asked_more.target_log_moneyness, positive, w[K], w[KK], as_published=as_published)
    calendar = masked_mean(calendar_penalty(w[TAU]), asked_more.asked, share)
    butterfly = masked_mean(butterfly_penalty(g), asked_more.asked, share)
    return Objective(torch.stack((fit, calendar, butterfly)), fitted)


def _squared_error(fitted: Fitted, batch: Batch, targets: int, settings: Losses) -> Float[Tensor, "batch target"]:
    if settings.target == "implied_vol":
        return (fitted.implied_vol[:, :targets] - batch.target_implied_vol).square()
    quoted = batch.target_implied_vol.square() * batch.target_time_to_maturity
    return (fitted.total_variance[VALUE][:, :targets] - quoted).square()
