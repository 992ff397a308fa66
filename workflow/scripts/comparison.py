"""The comparison of methods as figures and tables read it: each phase on the tier that it is for."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from workflow.scripts.names import headline_mask

TIERS = {
    "pretrain": "liquid",
    "finetune": "sparse",
}  # a pre-trained model is for the liquid tier, a fine-tuned for the sparse
Cell = dict[str, float | None]


def read(paths: Sequence[Path]) -> pl.DataFrame:
    """Rows of files named `…_PHASE.parquet`, of the phase's tier alone."""
    tables = [pl.read_parquet(path).filter(pl.col("tier") == TIERS[path.stem.rsplit("_")[-1]]) for path in paths]
    return pl.concat(tables, how="vertical_relaxed")


def headline(comparison: pl.DataFrame, tier: str) -> pl.DataFrame:
    """Rows of the mask that stands for a tier."""
    cells = comparison.filter(pl.col("tier") == tier)
    return cells.filter(pl.col("mask") == headline_mask(tier, cells["mask"].unique().to_list()))


def of_tier(comparison: pl.DataFrame, tier: str) -> tuple[str, dict[str, dict[str, Cell]]]:
    """The tier's headline mask, and method -> metric -> row, methods in order of their error."""
    cells = headline(comparison, tier)
    methods: dict[str, dict[str, Cell]] = {}
    for row in cells.sort("run").iter_rows(named=True):
        methods.setdefault(row["run"], {})[row["metric"]] = row
    return cells["mask"][0], dict(sorted(methods.items(), key=lambda item: value(item[1], "rmse") or 0.0))


def value(metrics: dict[str, Cell], metric: str, column: str = "mean") -> float | None:
    """A number of a metric; None where it was not measured."""
    return metrics.get(metric, {}).get(column)
