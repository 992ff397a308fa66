"""Draw the fixed masks that every method is judged on."""

from pathlib import Path

import polars as pl

from ivyspt.artefacts import read_table, write_table
from ivyspt.batches.masking import cluster_table, draw_evaluation_masks
from ivyspt.columns import SPLIT, TIERED_POINTS
from ivyspt.config import Masking, Section


class Settings(Section):
    """What the stage reads of the configuration."""

    masking: Masking


def run(settings: Settings, *, points: Path, split: Path, clusters: Path, masks: Path) -> None:
    """Draw clustered, random and visible masks for the surfaces of validation and test days."""
    judged = read_table(split, SPLIT).filter(pl.col("split").is_in(["validation", "test"]))["date"]
    table = read_table(points, TIERED_POINTS).filter(pl.col("quote_time").dt.date().is_in(judged.implode()))
    labels = read_table(clusters, cluster_table(settings.masking))
    drawn = draw_evaluation_masks(table, labels, settings.masking)
    write_table(drawn, masks, {"settings": settings.model_dump(mode="json")})
