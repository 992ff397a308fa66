"""Subsets of surfaces that a study can afford."""

from collections.abc import Sequence

import numpy as np

from ivyspt.batches.surface import Surface


def drawn(surfaces: Sequence[Surface], count: int, generator: np.random.Generator) -> list[Surface]:
    """So many of the surfaces, in their order; all of them if there are no more."""
    size = min(count, len(surfaces))
    return [surfaces[index] for index in np.sort(generator.choice(len(surfaces), size, replace=False))]
