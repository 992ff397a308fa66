"""Measure how flat the losses are where training starts and where it ends."""

from pathlib import Path

import polars as pl
import torch

from ivyspt.analyses.flatness import measure, validation_batch
from ivyspt.analyses.histories import final_weights
from ivyspt.analyses.initial import set_back
from ivyspt.analysis_config import Flatness
from ivyspt.artefacts import read_frame, write_table
from ivyspt.config import Losses, Masking, Section, Training
from ivyspt.training.checkpoint import load_weights
from ivyspt.training.phases import TIERS, read_tables, surfaces_of


class Settings(Section):
    """What the stage reads of the configuration."""

    flatness: Flatness
    losses: Losses
    training: Training
    masking: Masking


def run(
    settings: Settings,
    *,
    weights: Path,
    history: Path,
    points: Path,
    market_features: Path,
    split: Path,
    clusters: Path,
    run: str,
    seed: int,
    state: str,
    summary: Path,
    magnitudes: Path,
    eigenvalues: Path,
    slices: Path,
) -> None:
    """Measure on a fixed subset of validation surfaces, in float64, with the losses weighed as the phase's end did.

    State `initial` is where pre-training began, `pretrain` and `finetune` where each phase ended; fine-tuned weights
    are measured on the sparse tier, the others on the liquid one.
    """
    torch.set_num_threads(settings.training.threads)
    tables = read_tables(points, market_features, split, clusters, settings.masking)
    tier = "liquid" if state == "initial" else TIERS[state]
    surfaces = surfaces_of(tier, "validation", *tables, settings.masking)
    batch = validation_batch(surfaces, settings.masking, settings.training.targets_per_surface, settings.flatness)
    model = load_weights(weights).double()
    model = set_back(model, seed) if state == "initial" else model
    found = measure(model, batch, settings.losses, final_weights(read_frame(history)), settings.flatness)
    named = {"run": run, "seed": seed, "state": state, "tier": tier, "surfaces": len(batch.present)}
    columns = [pl.lit(value).alias(name) for name, value in named.items()]
    provenance = {"settings": settings.model_dump(mode="json"), **named}
    written = {summary: found.summary, magnitudes: found.magnitudes, eigenvalues: found.eigenvalues}
    for path, table in (written | {slices: found.slices}).items():
        write_table(table.select(*columns, pl.all()), path, provenance)
