"""What the tangent kernel at the start of a training says of its speed (paper, Demonstrating Model Convergence)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch

from ivyspt.analyses.initial import initial_model
from ivyspt.analyses.samples import drawn
from ivyspt.analyses.tangent_kernel import answers, spectrum, tangent_kernel
from ivyspt.analysis_config import TangentKernel
from ivyspt.batches.batch import Batch, collate
from ivyspt.batches.surface import Surface
from ivyspt.config import Masking, Model, Training
from ivyspt.generators import generator_of
from ivyspt.model.ivyspt import IvySPT
from ivyspt.training.sampling import masked_pair

MEBIBYTE = 2**20
CURVE = 60  # points of the predicted descent, evenly spaced in the logarithm of the step


@dataclass(frozen=True)
class Measured:
    """A row of numbers, the eigenvalues from the largest, and the predicted descent of the fit loss by step."""

    summary: pl.DataFrame
    eigenvalues: pl.DataFrame
    descent: pl.DataFrame


def measure(
    surfaces: Sequence[Surface],
    trained: IvySPT,
    masking: Masking,
    training: Training,
    settings: TangentKernel,
    seed: int,
) -> Measured:
    """Gram matrix of the implied vols that masks hide on a share of the training surfaces, at the seed's first weights.

    `trained` is where the pre-training ended: the loss that it leaves on the same outputs is set beside the one that
    the kernel predicts. Outputs are thinned evenly over the surfaces to at most `max_outputs`. Eigenvalues are in
    squared vols, since the parameters have no unit.
    """
    start, batches = _first_step(surfaces, trained.settings, masking, training, settings, seed)
    errors = _errors(start, batches)
    found = spectrum(tangent_kernel(start, batches, settings.memory * MEBIBYTE), errors)
    phase = training.pretrain
    steps = phase.epochs * phase.repeats * -(-len(surfaces) // phase.batch_size)
    taken = np.unique(np.geomspace(1, max(steps, 2), CURVE).round().astype(int))
    summary = {
        "surfaces": len(batches),
        "training_surfaces": len(surfaces),
        "outputs": len(errors),
        "parameters": sum(parameter.numel() for parameter in start.parameters()),
        "memory_mebibytes": settings.memory,
        "steps": steps,
        "largest_squared_vol": found.eigenvalues[0],
        "smallest_squared_vol": found.eigenvalues[-1],
        "rounding_squared_vol": found.rounding,
        "rank": found.rank,
        "condition_number": found.condition_number,
        "trace_squared_vol": found.eigenvalues.sum(),
        "initial_loss_squared_vol": (errors**2).mean(),
        "final_loss_squared_vol": (_errors(trained, batches) ** 2).mean(),
        "loss_left": found.loss_left(np.array([steps]))[0],
    }
    ranked = {"number": range(1, len(errors) + 1), "eigenvalue_squared_vol": found.eigenvalues, "share": found.shares}
    return Measured(
        pl.DataFrame([summary]),
        pl.DataFrame(ranked),
        pl.DataFrame({"step": taken, "loss_left": found.loss_left(taken)}),
    )


def _errors(model: IvySPT, batches: Sequence[Batch]) -> np.ndarray:
    with torch.no_grad():
        return np.concatenate([(answers(model, one) - one.target_implied_vol[one.asked]).numpy() for one in batches])


def _first_step(
    surfaces: Sequence[Surface], model: Model, masking: Masking, training: Training, settings: TangentKernel, seed: int
) -> tuple[IvySPT, list[Batch]]:
    """The model as the seed's training starts with it, and masked surfaces one by one."""
    generator = generator_of(settings.seed, "tangent kernel")
    count = min(max(1, round(settings.share * len(surfaces))), settings.max_outputs)
    most = min(settings.max_outputs // count, training.targets_per_surface or settings.max_outputs)
    pairs = [masked_pair(surface, masking, most, generator) for surface in drawn(surfaces, count, generator)]
    batches = [collate([pair]).to(torch.device("cpu"), torch.float64) for pair in pairs]
    together = collate(pairs).to(torch.device("cpu"), torch.float64)
    return initial_model(model, seed, together), batches
