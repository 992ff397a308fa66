"""The two phases of the paper: pre-training on the liquid tier, fine-tuning on the sparse one."""

import polars as pl

from ivyspt.batches.surface import Surface, surfaces
from ivyspt.config import Masking

HISTORY = {
    "record": pl.String,
    "step": pl.Int64,
    "epoch": pl.Int64,
    "split": pl.String,
    "loss": pl.String,
    "value": pl.Float64,
    "weight": pl.Float64,
    "norms": pl.Float64,
    "targets": pl.Float64,
}


def surfaces_of(
    tier: str,
    part: str,
    points: pl.DataFrame,
    market_features: pl.DataFrame,
    split: pl.DataFrame,
    clusters: pl.DataFrame,
    masking: Masking,
) -> list[Surface]:
    """Surfaces of a tier on the days of a part of the split, visible points only."""
    days = split.filter(pl.col("split") == part)["date"].implode()
    chosen = points.filter((pl.col("tier") == tier) & pl.col("quote_time").dt.date().is_in(days))
    return surfaces(chosen, market_features, clusters, masking.proportions)
