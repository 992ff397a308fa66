"""Pre-train IvySPT on the liquid tier."""

from pathlib import Path

import torch

from ivyspt.config import Model
from ivyspt.model.ivyspt import IvySPT
from ivyspt.training.phase_run import Outputs, PhaseSettings, train_phase
from ivyspt.training.phases import read_tables


class Settings(PhaseSettings):
    """What the stage reads of the configuration."""

    model: Model


def run(
    settings: Settings,
    *,
    points: Path,
    market_features: Path,
    split: Path,
    clusters: Path,
    run: str,
    seed: int,
    checkpoint: Path,
    weights: Path,
    history: Path,
) -> None:
    """Train from a random start; goes on from `checkpoint` if an interrupted run has left one."""
    torch.set_num_threads(settings.training.threads)
    tables = read_tables(points, market_features, split, clusters, settings.masking)
    model = IvySPT(settings.model, torch.Generator().manual_seed(seed))
    train_phase("pretrain", model, tables, settings, run, seed, Outputs(weights, history, checkpoint))
