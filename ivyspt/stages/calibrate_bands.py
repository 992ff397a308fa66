"""Calibrate the flagship's intervals on validation days and pack them with its weights."""

from pathlib import Path

import numpy as np
import polars as pl
import torch

from ivyspt.artefacts import read_table
from ivyspt.columns import MARKET_FEATURES, SPLIT, TIERED_POINTS
from ivyspt.config import Section
from ivyspt.corpus_config import Corpus
from ivyspt.flagship_config import FlagshipTraining
from ivyspt.mixture.bands import calibrate
from ivyspt.mixture.weights import load_flagship, save_flagship
from ivyspt.pretraining.scores import band_scores
from ivyspt.pretraining.surfaces import RealSurfaces


class Settings(Section):
    """What the stage reads of the configuration."""

    flagship_training: FlagshipTraining
    corpus: Corpus


def run(
    settings: Settings,
    *,
    weights: Path,
    points: Path,
    market_features: Path,
    split: Path,
    seed: int,
    packed: Path,
) -> None:
    """Take the scores of contexts of every size and pattern on the validation days, held-out symbols included.

    Each tier is visited as often, since the intervals have to hold in both.
    """
    torch.set_num_threads(settings.flagship_training.threads)
    days = read_table(split, SPLIT).filter(pl.col("split") == "validation")["date"]
    table = read_table(points, TIERED_POINTS)
    table = table.filter(pl.col("visible"), pl.col("quote_time").dt.date().is_in(days.implode()))
    features = read_table(market_features, MARKET_FEATURES)
    tiers = [RealSurfaces(own, features) for own in table.partition_by("tier", maintain_order=True)]
    network, header = load_flagship(weights)
    generator = torch.Generator().manual_seed(seed)
    drawn = [
        band_scores(network, surfaces, settings.corpus.contexts, sizes, settings.flagship_training, generator)
        for sizes in settings.flagship_training.context_sizes
        for surfaces in tiers
    ]
    scores, counts = (np.concatenate(columns) for columns in zip(*drawn, strict=True))
    provenance = {**header, "calibration": {"scores": len(scores), "seed": seed}}
    save_flagship(network, packed, provenance, calibrate(scores, counts))
