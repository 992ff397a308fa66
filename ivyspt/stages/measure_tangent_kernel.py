"""Measure the spectrum of the neural tangent kernel where training starts."""

from pathlib import Path

import polars as pl
import torch

from ivyspt.analyses.training_speed import measure
from ivyspt.analysis_config import TangentKernel
from ivyspt.artefacts import write_table
from ivyspt.config import Masking, Section, Training
from ivyspt.training.checkpoint import load_weights
from ivyspt.training.phases import read_tables, surfaces_of


class Settings(Section):
    """What the stage reads of the configuration."""

    tangent_kernel: TangentKernel
    training: Training
    masking: Masking


def run(
    settings: Settings,
    *,
    weights: Path,
    points: Path,
    market_features: Path,
    split: Path,
    clusters: Path,
    run: str,
    seed: int,
    summary: Path,
    eigenvalues: Path,
    descent: Path,
) -> None:
    """Take the exact Gram matrix on a share of the training surfaces, and set its prediction beside the training."""
    torch.set_num_threads(settings.training.threads)
    tables = read_tables(points, market_features, split, clusters, settings.masking)
    surfaces = surfaces_of("liquid", "train", *tables, settings.masking)
    trained = load_weights(weights).double()
    found = measure(surfaces, trained, settings.masking, settings.training, settings.tangent_kernel, seed)
    named = (pl.lit(run).alias("run"), pl.lit(seed).alias("seed"))
    provenance = {"settings": settings.model_dump(mode="json"), "run": run, "seed": seed}
    for path, table in ((summary, found.summary), (eigenvalues, found.eigenvalues), (descent, found.descent)):
        write_table(table.select(*named, pl.all()), path, provenance)
