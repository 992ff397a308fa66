"""What a method is asked: contexts and targets of surfaces, cut from the tables of a study."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import polars as pl

from ivyspt.columns import DataError
from ivyspt.completion import Context, Targets

OLDEST_PREVIOUS = timedelta(days=5)  # a long weekend lies between trading days, not a gap in the data
FEATURES = ("market_return", "market_vol", "treasury_rate")


@dataclass(frozen=True)
class Task:
    """One surface under one mask; `targets` rows of the points table, in the order of `asked`."""

    mask: str
    context: Context
    asked: Targets
    targets: pl.DataFrame

    @property
    def tier(self) -> str:
        """Tier of the surface's symbol."""
        return self.targets["tier"][0]


def training_surfaces(
    points: pl.DataFrame, features: pl.DataFrame, split: pl.DataFrame, part: str = "train"
) -> list[tuple[Context, Targets]]:
    """Surfaces of the days of a part of the split; context and targets alike are all visible points."""
    market = _market(features)
    pairs = []
    for frame in _of_part(points.filter(pl.col("visible")), split, part).partition_by("surface_id"):
        context = _context(frame, market)
        pairs.append((context, Targets(context.log_moneyness, context.time_to_maturity, context.implied_vol)))
    return pairs


def masked_surfaces(
    points: pl.DataFrame, features: pl.DataFrame, split: pl.DataFrame, masks: pl.DataFrame, part: str
) -> list[Task]:
    """Every surface of a part of the split under every mask that was drawn for it.

    Raises
    ------
    DataError
        A mask names a point that the surface has not, shows a hidden point, or lacks a context or a target.
    """
    market = _market(features)
    surfaces = _of_part(points, split, part)
    masks = masks.join(surfaces.select("surface_id").unique(), on="surface_id", how="semi")
    joined = masks.join(surfaces, on=["surface_id", "point"], how="left", validate="m:1")
    unknown = joined.filter(pl.col("implied_vol").is_null())
    if unknown.height:
        raise DataError(
            f"masks must name points of the surface, got {unknown.height} others, first {unknown.row(0)[:3]}"
        )
    shown = joined.filter((pl.col("role") == "context") & ~pl.col("visible"))
    if shown.height:
        raise DataError(f"hidden points must never be context, got {shown.height}, first {shown.row(0)[:3]}")
    previous = _previous(points, surfaces, market)
    tasks = []
    grouped = joined.sort("mask", "surface_id", "point").partition_by("mask", "surface_id", as_dict=True)
    for (mask, surface_id), frame in grouped.items():
        context, targets = (frame.filter(pl.col("role") == role) for role in ("context", "target"))
        if not (context.height and targets.height):
            raise DataError(
                f"mask {mask} of {surface_id} must have context and targets, got {context.height} and {targets.height}"
            )
        asked = Targets(*(targets[name].to_numpy() for name in ("log_moneyness", "time_to_maturity", "implied_vol")))
        shown = replace(_context(context, market), previous=previous.get(surface_id))
        tasks.append(Task(mask, shown, asked, targets))
    return tasks


def drawn(ids: Iterable[str], count: int, seed: int) -> set[str]:
    """`count` of the ids, at random by the seed; who is drawn first does not depend on who else stands in line."""
    return set(sorted(set(ids), key=lambda each: hashlib.sha256(f"{seed} {each}".encode()).digest())[:count])


def some_surfaces(tasks: Iterable[Task], count: int, seed: int) -> list[tuple[Context, Targets]]:
    """Context and targets of every task of `count` surfaces that the seed draws."""
    tasks = list(tasks)
    chosen = drawn((task.context.surface_id for task in tasks), count, seed)
    return [(task.context, task.asked) for task in tasks if task.context.surface_id in chosen]


def _of_part(points: pl.DataFrame, split: pl.DataFrame, part: str) -> pl.DataFrame:
    days = split.filter(pl.col("split") == part)
    chosen = points.with_columns(pl.col("quote_time").dt.date().alias("date")).join(days, on="date", how="semi")
    if chosen.is_empty():
        raise DataError(f"the {part} days of the split must hold points, got none on {days.height} days")
    return chosen.drop("date").sort("surface_id", "point")


def _previous(points: pl.DataFrame, surfaces: pl.DataFrame, market: dict[str, np.ndarray]) -> dict[str, Context]:
    """Of each surface, the visible points of its symbol's surface before, unless that is too old."""
    visible = points.filter(pl.col("visible"))
    each = visible.select("symbol", "quote_time", "surface_id").unique().sort("symbol", "quote_time")
    before = each.with_columns(
        pl.col("surface_id").shift(1).over("symbol").alias("previous"),
        pl.col("quote_time").diff().over("symbol").alias("age"),
    ).filter(pl.col("age") <= OLDEST_PREVIOUS)
    before = before.join(surfaces.select("surface_id").unique(), on="surface_id", how="semi")
    needed = visible.join(before.select(surface_id="previous"), on="surface_id", how="semi").sort("surface_id", "point")
    contexts = {frame["surface_id"][0]: _context(frame, market) for frame in needed.partition_by("surface_id")}
    return {now: contexts[then] for now, then in before.select("surface_id", "previous").iter_rows()}


def _market(features: pl.DataFrame) -> dict[str, np.ndarray]:
    values = features.select(pl.col(FEATURES).fill_null(float("nan"))).to_numpy()
    return dict(zip(features["surface_id"], values, strict=True))


def _context(frame: pl.DataFrame, market: dict[str, np.ndarray]) -> Context:
    surface_id = frame["surface_id"][0]
    if surface_id not in market:
        raise DataError(f"every surface must have market features, got none for {surface_id}")
    columns = (frame[name].to_numpy() for name in ("log_moneyness", "time_to_maturity", "implied_vol"))
    spread = (frame["implied_vol_ask"] - frame["implied_vol_bid"]).cast(pl.Float64).fill_null(float("nan"))
    return Context(surface_id, frame["symbol"][0], *columns, market[surface_id], half_spread=spread.to_numpy() / 2)
