"""Split the days into training, validation and test."""

from pathlib import Path

import polars as pl

from ivyspt.artefacts import read_table, write_table
from ivyspt.columns import TIERED_POINTS
from ivyspt.config import Section, Split
from ivyspt.surfaces.split import split_days


class Settings(Section):
    """What the stage reads of the configuration."""

    split: Split


def run(settings: Settings, *, points: Path, split: Path) -> None:
    """Assign each quoted day to a part of its partition, with purge and embargo."""
    days = read_table(points, TIERED_POINTS).select(pl.col("quote_time").dt.date().unique()).to_series().to_list()
    write_table(split_days(days, settings.split), split, {"settings": settings.model_dump(mode="json")})
