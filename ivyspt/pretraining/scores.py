"""How far targets lie from a completed surface, on the model's own scale."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Generator

from ivyspt.corpus_config import Contexts
from ivyspt.flagship_config import FlagshipTraining
from ivyspt.mixture.bands import Factors, Shape, calibrate
from ivyspt.mixture.network import FlagshipNetwork
from ivyspt.pretraining.surfaces import RealSurfaces


@dataclass(frozen=True)
class Scores:
    """One entry a target."""

    score: np.ndarray  # |log-vol error| / scale
    count: np.ndarray  # quotes of the context that it belongs to
    doubt: np.ndarray
    error: np.ndarray  # |log-vol error|

    @classmethod
    def joined(cls, parts: "Sequence[Scores]") -> "Scores":
        """All of them."""
        return cls(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(cls)))

    def calibrated(self) -> tuple[Factors, Shape]:
        """The factors and the shape of intervals that cover them."""
        return calibrate(self.score, self.count, self.doubt)


def band_scores(
    network: FlagshipNetwork,
    surfaces: RealSurfaces,
    contexts: Contexts,
    sizes: tuple[int, int],
    training: FlagshipTraining,
    generator: Generator,
) -> Scores:
    """Complete surfaces under the patterns of training, `training.calibration_batches` batches of them."""
    low, high = sizes
    chosen = contexts.model_copy(update={"quotes": (low, high)})
    count = max(4, min(training.batch_size, training.batch_points // high))
    parts = []
    for _ in range(training.calibration_batches):
        quotes, asked = surfaces.draw(generator, count, high, training.targets, chosen)
        with torch.no_grad():
            fitted = network(quotes)
            miss = fitted.log_vol(asked.log_moneyness, asked.time_to_maturity) - asked.implied_vol.double().log()
            scale, doubt = fitted.off_by(asked.log_moneyness, asked.time_to_maturity)
        size = quotes.present.sum(-1, keepdim=True).expand_as(asked.wanted)
        parts.append(Scores(*(each[asked.wanted].numpy() for each in (miss.abs() / scale, size, doubt, miss.abs()))))
    return Scores.joined(parts)


def calibrated_on(
    network: FlagshipNetwork, surfaces: RealSurfaces, training: FlagshipTraining, seed: int
) -> tuple[Factors, Shape]:
    """Factors and shape from surfaces alone, whose largest one decides in contexts of which sizes they are shown."""
    largest = int(surfaces.sizes.max())
    sizes = [(low, min(high, largest - 1)) for low, high in training.context_sizes if low <= largest / 2]
    generator = torch.Generator().manual_seed(seed)
    drawn = [band_scores(network, surfaces, Contexts(), each, training, generator) for each in sizes]
    return Scores.joined(drawn).calibrated()
