"""The measured sensitivities as figures, tables and the written page read them."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from workflow.scripts.analyses import FEATURES, read, with_condition

SPREAD_KEYS = ["run", "tier", "feature"]


def derivatives(paths: Sequence[Path], days: pl.DataFrame) -> pl.DataFrame:
    """Derivatives at every target of a day that is calm or of stress."""
    return with_condition(read(paths), days).drop_nulls("derivative")


def permutations(paths: Sequence[Path], days: pl.DataFrame) -> pl.DataFrame:
    """Effects of permuted features on every surface of such a day."""
    return with_condition(read(paths), days).with_columns(
        rmse_change=pl.col("rmse_permuted_vol_points") - pl.col("rmse_vol_points")
    )


def moments(rows: pl.DataFrame) -> pl.DataFrame:
    """Mean and standard deviation of each derivative over targets and seeds, and what one std of the feature moves.

    `move_vol_points` is mean |∂σ/∂feature| times the standard deviation of the feature over surfaces.
    """
    surfaces = rows.group_by(*SPREAD_KEYS, "seed", "surface_id", maintain_order=True).agg(
        pl.col("feature_value").first()
    )
    spread = surfaces.group_by(SPREAD_KEYS, maintain_order=True).agg(feature_std=pl.col("feature_value").std())
    table = rows.group_by(SPREAD_KEYS, maintain_order=True).agg(
        mean=pl.col("derivative").mean(),
        std=pl.col("derivative").std(),
        size=pl.col("derivative").abs().mean(),
        targets=pl.len(),
        surfaces=pl.col("surface_id").n_unique(),
        seeds=pl.col("seed").n_unique(),
    )
    moved = table.join(spread, on=SPREAD_KEYS)
    return moved.with_columns(move_vol_points=100 * pl.col("size") * pl.col("feature_std"))


def effects(rows: pl.DataFrame) -> pl.DataFrame:
    """Mean change of answers and of errors where a feature is permuted; `worst` and `best` of the repeats and seeds."""
    by_repeat = rows.group_by(*SPREAD_KEYS, "seed", "repeat", maintain_order=True).agg(
        change=pl.col("mean_absolute_change_vol_points").mean(),
        rmse_change=pl.col("rmse_change").mean(),
        rmse=pl.col("rmse_vol_points").mean(),
    )
    return by_repeat.group_by(SPREAD_KEYS, maintain_order=True).agg(
        pl.col("change", "rmse_change", "rmse").mean(),
        best=pl.col("rmse_change").min(),
        worst=pl.col("rmse_change").max(),
    )


def groups(rows: pl.DataFrame) -> list[tuple[str, str]]:
    """Runs, in the order of the files, and tiers."""
    methods = rows["run"].unique(maintain_order=True).to_list()
    tiers = {method: rows.filter(pl.col("run") == method)["tier"][0] for method in methods}
    order = list(dict.fromkeys(method.split(".")[0] for method in methods))
    return sorted(tiers.items(), key=lambda item: (order.index(item[0].split(".")[0]), item[1]))


def openness(gates: pl.DataFrame, run: str) -> str:
    """How far the gates let the market through, block by block, in words."""
    own = (
        gates.filter(pl.col("run") == run)
        .group_by("block", maintain_order=True)
        .agg(pl.col("market_weight_mean").mean())
        .sort("block")
    )
    if own.is_empty():
        return "no gate: both paths are added"
    return "weight of the market by block: " + ", ".join(f"{mean:.1g}" for mean in own["market_weight_mean"])


def labels() -> list[str]:
    """The features' names, broken into lines."""
    return [
        name.replace(" of ", " of\n").replace("market ", "market\n").replace("treasury ", "treasury\n")
        for name in FEATURES.values()
    ]
