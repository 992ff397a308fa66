"""What a training step sees: surfaces in random order, each under a fresh mask."""

from collections.abc import Iterator, Sequence

import numpy as np

from ivyspt.batches.batch import Batch, collate
from ivyspt.batches.masking import mask
from ivyspt.batches.surface import Surface
from ivyspt.completion import Context, Targets
from ivyspt.config import Masking


def masked_pair(
    surface: Surface, masking: Masking, targets_per_surface: int | None, generator: np.random.Generator
) -> tuple[Context, Targets]:
    """One visit of a surface: a random proportion of its clusters' points become targets (paper, Dynamic Masking)."""
    proportion = masking.proportions[generator.integers(len(masking.proportions))]
    masked = mask(
        surface.labels[proportion],
        surface.mask_group,
        proportion,
        masking.min_targets,
        masking.min_context,
        generator,
    )
    context, targets = surface.divide(masked)
    if targets_per_surface is not None and len(targets.implied_vol) > targets_per_surface:
        kept = np.sort(generator.choice(len(targets.implied_vol), targets_per_surface, replace=False))
        targets = Targets(targets.log_moneyness[kept], targets.time_to_maturity[kept], targets.implied_vol[kept])
    return context, targets


def batches(
    surfaces: Sequence[Surface],
    masking: Masking,
    batch_size: int,
    targets_per_surface: int | None,
    generator: np.random.Generator,
) -> Iterator[Batch]:
    """Every surface once, in random order and under a fresh mask."""
    order = generator.permutation(len(surfaces))
    for start in range(0, len(order), batch_size):
        chosen = [surfaces[index] for index in order[start : start + batch_size]]
        yield collate([masked_pair(surface, masking, targets_per_surface, generator) for surface in chosen])
