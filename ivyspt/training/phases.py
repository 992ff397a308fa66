"""The two phases of the paper, pre-training on the liquid tier and fine-tuning on the sparse one: what they read."""

from pathlib import Path

import polars as pl

from ivyspt.artefacts import read_table
from ivyspt.batches.masking import cluster_table
from ivyspt.batches.surface import Surface, surfaces
from ivyspt.columns import MARKET_FEATURES, SPLIT, TIERED_POINTS
from ivyspt.config import Masking

TIERS = {"pretrain": "liquid", "finetune": "sparse"}  # in their order

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


def read_tables(
    points: Path, market_features: Path, split: Path, clusters: Path, masking: Masking
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The tables that surfaces are made of, in the order in which `surfaces_of` takes them.

    Raises
    ------
    DataError
        A file is missing, or breaks the rules of its table.
    """
    return (
        read_table(points, TIERED_POINTS),
        read_table(market_features, MARKET_FEATURES),
        read_table(split, SPLIT),
        read_table(clusters, cluster_table(masking)),
    )


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
