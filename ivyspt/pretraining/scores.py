"""How far targets lie from a completed surface, on the model's own scale."""

import numpy as np
import torch
from torch import Generator

from ivyspt.corpus_config import Contexts
from ivyspt.flagship_config import FlagshipTraining
from ivyspt.mixture.bands import Factors, calibrate
from ivyspt.mixture.network import FlagshipNetwork
from ivyspt.pretraining.surfaces import RealSurfaces


def band_scores(
    network: FlagshipNetwork,
    surfaces: RealSurfaces,
    contexts: Contexts,
    sizes: tuple[int, int],
    training: FlagshipTraining,
    generator: Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores |log-vol error| / scale at targets, the size of the context that each belongs to, and the error itself.

    Surfaces are visited under the patterns of training, `training.calibration_batches` batches of them.
    """
    low, high = sizes
    chosen = contexts.model_copy(update={"quotes": (low, high)})
    count = max(4, min(training.batch_size, training.batch_points // high))
    scores, counts, errors = [], [], []
    for _ in range(training.calibration_batches):
        quotes, asked = surfaces.draw(generator, count, high, training.targets, chosen)
        with torch.no_grad():
            fitted = network(quotes)
            miss = fitted.log_vol(asked.log_moneyness, asked.time_to_maturity) - asked.implied_vol.double().log()
            score = miss.abs() / fitted.error_scale(asked.log_moneyness, asked.time_to_maturity)
        size = quotes.present.sum(-1, keepdim=True).expand_as(asked.wanted)
        scores.append(score[asked.wanted].numpy())
        counts.append(size[asked.wanted].numpy())
        errors.append(miss[asked.wanted].abs().numpy())
    return np.concatenate(scores), np.concatenate(counts), np.concatenate(errors)


def calibrated_on(network: FlagshipNetwork, surfaces: RealSurfaces, training: FlagshipTraining, seed: int) -> Factors:
    """Factors from surfaces alone, whose largest one decides which sizes of contexts they are shown in."""
    largest = int(surfaces.sizes.max())
    sizes = [(low, min(high, largest - 1)) for low, high in training.context_sizes if low <= largest / 2]
    generator = torch.Generator().manual_seed(seed)
    drawn = [band_scores(network, surfaces, Contexts(), each, training, generator) for each in sizes]
    scores, counts, _ = (np.concatenate(columns) for columns in zip(*drawn, strict=True))
    return calibrate(scores, counts)
