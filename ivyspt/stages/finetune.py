"""Fine-tune a pre-trained IvySPT on the sparse tier."""

from pathlib import Path

import polars as pl
import torch

from ivyspt.artefacts import read_table, write_table
from ivyspt.batches.masking import cluster_table
from ivyspt.columns import MARKET_FEATURES, SPLIT, TIERED_POINTS
from ivyspt.config import Losses, Masking, Section, Training
from ivyspt.training.checkpoint import load_weights, save_weights
from ivyspt.training.launch import train_by_processes
from ivyspt.training.loop import Plan
from ivyspt.training.phases import HISTORY, surfaces_of


class Settings(Section):
    """What the stage reads of the configuration."""

    losses: Losses
    training: Training
    masking: Masking


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
    tables = (
        read_table(points, TIERED_POINTS),
        read_table(market_features, MARKET_FEATURES),
        read_table(split, SPLIT),
        read_table(clusters, cluster_table(settings.masking)),
    )
    model = load_weights(pretrained)
    parts = [surfaces_of("sparse", part, *tables, settings.masking) for part in ("train", "validation")]
    plan = Plan(
        settings.training.finetune,
        settings.training,
        settings.losses,
        settings.masking,
        seed,
        number=1,
        name=f"finetune {run}, seed {seed}",
        checkpoint=checkpoint,
    )
    rows = train_by_processes(model, *parts, plan)
    provenance = {"settings": settings.model_dump(mode="json"), "seed": seed}
    write_table(pl.DataFrame(rows, schema=HISTORY), history, provenance)
    save_weights(model, weights, provenance)
    checkpoint.unlink(missing_ok=True)
