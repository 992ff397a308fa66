"""Fine-tune a pre-trained IvySPT on the sparse tier."""

from pathlib import Path

import torch

from ivyspt.training.checkpoint import load_weights
from ivyspt.training.phase_run import Outputs, train_phase
from ivyspt.training.phase_run import PhaseSettings as Settings
from ivyspt.training.phases import read_tables


def run(
    settings: Settings,
    *,
    pretrained: Path,
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
    """Train on from pre-trained weights; goes on from `checkpoint` if an interrupted run has left one."""
    torch.set_num_threads(settings.training.threads)
    tables = read_tables(points, market_features, split, clusters, settings.masking)
    model = load_weights(pretrained)
    train_phase("finetune", model, tables, settings, run, seed, Outputs(weights, history, checkpoint))
