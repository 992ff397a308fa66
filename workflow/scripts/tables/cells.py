"""Cells of the comparison as tables need them: one mapping a method, of what was measured on a tier's headline mask."""

import polars as pl

from workflow.scripts.names import headline_mask

Cell = dict[str, float | None]


def of_tier(comparison: pl.DataFrame, tier: str) -> tuple[str, dict[str, dict[str, Cell]]]:
    """The tier's headline mask, and method -> metric -> cell, methods in order of their error."""
    cells = comparison.filter(pl.col("tier") == tier)
    mask = headline_mask(tier, cells["mask"].unique().to_list())
    methods: dict[str, dict[str, Cell]] = {}
    for row in cells.filter(pl.col("mask") == mask).sort("run").iter_rows(named=True):
        methods.setdefault(row["run"], {})[row["metric"]] = row
    return mask, dict(sorted(methods.items(), key=lambda item: value(item[1], "rmse") or 0.0))


def value(metrics: dict[str, Cell], metric: str, column: str = "mean") -> float | None:
    """A number of a metric; None where it was not measured."""
    return metrics.get(metric, {}).get(column)
