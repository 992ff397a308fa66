"""Which days of the study are of market stress."""

from pathlib import Path

import polars as pl

from ivyspt.analyses.stress import label_days
from ivyspt.analysis_config import Stress
from ivyspt.artefacts import read_table, write_table
from ivyspt.columns import MARKET_FEATURES, SPLIT, TIERED_POINTS
from ivyspt.config import Section


class Settings(Section):
    """What the stage reads of the configuration."""

    stress: Stress


def run(settings: Settings, *, points: Path, market_features: Path, split: Path, days: Path) -> None:
    """Flag the days of extreme market vol and of extreme market return."""
    dates = read_table(points, TIERED_POINTS).select("surface_id", pl.col("quote_time").dt.date().alias("date"))
    surfaces = dates.unique().join(read_table(market_features, MARKET_FEATURES), on="surface_id", validate="1:1")
    flagged = label_days(surfaces, read_table(split, SPLIT), settings.stress)
    write_table(flagged, days, {"settings": settings.model_dump(mode="json")})
