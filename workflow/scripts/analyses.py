"""What the tables of the analyses share: names, labels of days, and the losses of whole surfaces."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from workflow.scripts.names import headline_mask

TIERS = {"liquid": "pretrain", "sparse": "finetune"}  # the phase whose weights answer for a tier
FEATURES = {
    "market_return": "market return",
    "market_vol": "market vol",
    "treasury_rate": "treasury rate",
    "surface_mean": "mean of visible vols",
    "surface_std": "std of visible vols",
}
CONDITIONS = {
    "calm": "calm",
    "high_vol": "high market vol",
    "large_return": "large market return",
    "stress": "either",
}
LOSSES = {
    "fit_loss_vol_squared": "fit loss (vol²)",
    "calendar_loss_per_year_squared": "calendar penalty (1/year²)",
    "butterfly_loss": "butterfly penalty",
}


def read(paths: Sequence[Path]) -> pl.DataFrame:
    """Rows of all the files."""
    return pl.concat([pl.read_parquet(path) for path in paths], how="vertical_relaxed")


def with_condition(rows: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Rows with a `date`, of calm days and of days of stress: their `condition`; other days are left out."""
    named = days.drop_nulls("stress").select(
        "date", condition=pl.when("stress").then(pl.lit("stress")).otherwise(pl.lit("calm"))
    )
    return rows.join(named, on="date")


def count_days(days: pl.DataFrame, split: str = "test") -> dict[str, int]:
    """How many days of a part of the split are of each condition."""
    part = days.filter(pl.col("split") == split)
    calm = (~part["stress"]).sum()
    return {"calm": calm, **{name: part[name].sum() for name in ("high_vol", "large_return", "stress")}}


def thresholds(days: pl.DataFrame, settings: dict) -> dict[str, str]:
    """What makes a day one of high market vol or of a large market return, in words."""
    names, levels = settings["market_features"], settings["stress"]
    words = {}
    for condition, series, text in (("high_vol", "vol", "{}"), ("large_return", "return", "absolute {}")):
        level, quantile = days[f"{series}_threshold"][0], levels[f"{series}_quantile"]
        if level is None:
            words[condition] = f"{text.format(names[f'market_{series}'])}, unknown"
            continue
        share = 100 * days[f"{series}_share_below"][0]
        place = f"{quantile:g} quantile of the test days; {share:.0f} % of all days lie below"
        words[condition] = f"{text.format(names[f'market_{series}'])} at or above {100 * level:.3g} % ({place})"
    return words


def surface_losses(table: pl.DataFrame) -> pl.DataFrame:
    """Losses of whole surfaces from those of their buckets, each weighted by the points that it is a mean over."""
    weights = dict.fromkeys(LOSSES, "derivative_points") | {"fit_loss_vol_squared": "points"}
    means = []
    for loss, weight in weights.items():
        known = pl.col(loss).is_not_null()
        total = pl.col(weight).filter(known).sum()
        means.append(pl.when(total > 0).then((pl.col(loss) * pl.col(weight)).sum() / total).alias(loss))
    keys = ["run", "seed", "tier", "mask", "surface_id", "period"]
    return table.group_by(keys, maintain_order=True).agg(*means).sort(keys)


def shown_methods(table: pl.DataFrame, tier: str, main_run: str, baselines: int) -> list[str]:
    """The main run's model of a tier, and the baselines of least fit loss on the tier's headline mask."""
    of_tier = table.filter(pl.col("tier") == tier)
    mask = headline_mask(tier, of_tier["mask"].unique().to_list())
    surfaces = surface_losses(of_tier.filter((pl.col("mask") == mask) & ~pl.col("run").str.contains(".", literal=True)))
    means = surfaces.group_by("run", maintain_order=True).agg(pl.col("fit_loss_vol_squared").mean())
    best = means.sort("fit_loss_vol_squared", "run")["run"].to_list()
    return [f"{main_run}.{TIERS[tier]}", *best[:baselines]]


def bucket_order(bucket: tuple[str, str]) -> tuple[float, float]:
    """Sorts buckets, given as labels of tau and z, by their lower ends."""
    tau, z = (float(text.strip("(]").split(",")[0]) for text in bucket)
    return tau, z


def bucket_label(text: str, unit: str = "", scale: float = 1) -> str:
    """A bucket's label in words: `(-1, 0]` as `-1 to 0`."""
    low, high = (float(end) * scale for end in text.strip("(]").split(","))
    if low == float("-inf"):
        return f"≤ {high:.3g}{unit}"
    return f"> {low:.3g}{unit}" if high == float("inf") else f"{low:.3g} to {high:.3g}{unit}"
