"""Points at which the penalties are asked, beside the targets."""

import torch
from jaxtyping import Float
from torch import Tensor

from ivyspt.batches.batch import Batch
from ivyspt.completion import MONEY_POINTS
from ivyspt.config import Losses


def at_the_money_vol(batch: Batch) -> Float[Tensor, " batch"]:
    """Median vol of the three context points nearest to the money in k/√τ, as `Context.at_the_money_vol` has it."""
    distance = batch.context_log_moneyness.abs() / batch.context_time_to_maturity.sqrt()
    nearest = distance.masked_fill(~batch.present, torch.inf).topk(MONEY_POINTS, largest=False).indices
    return batch.context_implied_vol.gather(1, nearest).median(-1).values


def collocation_points(
    batch: Batch, settings: Losses, generator: torch.Generator
) -> tuple[Float[Tensor, "batch point"], Float[Tensor, "batch point"]]:
    """Log-moneyness and time to maturity of points drawn afresh over the whole domain of each surface.

    z = k/(σ_ATM √τ) is uniform up to `collocation_max_z` either side; log τ is uniform from `collocation_min_tau` to
    the context's longest maturity.
    """
    shape = (batch.present.shape[0], settings.collocation_points)
    draws = torch.rand((2, *shape), generator=generator, dtype=torch.float64).to(batch.market)
    z = (2 * draws[0] - 1) * settings.collocation_max_z
    longest = batch.context_time_to_maturity.masked_fill(~batch.present, 0.0).amax(-1, keepdim=True)
    shortest = torch.full_like(longest, settings.collocation_min_tau).minimum(longest)
    tau = shortest * (longest / shortest) ** draws[1]
    return z * at_the_money_vol(batch)[:, None] * tau.sqrt(), tau
