"""Losses of every method by period, mask and bucket."""

from pathlib import Path

import polars as pl

from ivyspt.analyses.decomposition import decompose_losses
from ivyspt.artefacts import read_table, write_table
from ivyspt.columns import PREDICTIONS, SPLIT
from ivyspt.config import Evaluation, Section


class Settings(Section):
    """What the stage reads of the configuration."""

    evaluation: Evaluation


def run(settings: Settings, *, predictions: list[Path], split: Path, losses: Path) -> None:
    """Take the three losses of each method's surfaces apart."""
    days = read_table(split, SPLIT)
    tables = [decompose_losses(read_table(path, PREDICTIONS), days, settings.evaluation) for path in predictions]
    write_table(pl.concat(tables), losses, {"settings": settings.model_dump(mode="json")})
