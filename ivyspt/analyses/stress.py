"""Days of extreme market vol or return, and every method on them beside calm days (paper, Testing Phases)."""

import numpy as np
import polars as pl

from ivyspt.analysis_config import Stress
from ivyspt.columns import DataError, Table, check
from ivyspt.config import Evaluation
from ivyspt.evaluation.comparison import CELL, interval, resampled_means, summarise

_MARKET = ("market_vol", "market_return")
_LEVELS = ("vol_threshold", "return_threshold", "vol_share_below", "return_share_below")  # the same in every row
_FLAGS = ("high_vol", "large_return", "stress")
# a day's market is the mean over its surfaces, decimals
DAYS = Table(
    "days",
    {
        **{"date": pl.Date, "split": pl.String},
        **dict.fromkeys((*_MARKET, *_LEVELS), pl.Float64),
        **dict.fromkeys(_FLAGS, pl.Boolean),
    },
    ("date",),
    frozenset((*_MARKET, *_LEVELS, *_FLAGS)),
)
CONDITIONS = {  # of a day
    "calm": ~pl.col("stress"),
    "stress": pl.col("stress"),
    "high_vol": pl.col("high_vol"),
    "large_return": pl.col("large_return"),
}
METRICS = {  # and their units
    "rmse": "vol points",
    "mse": "vol squared",
    "calendar_loss": "per year squared",
    "butterfly_loss": "1",
    "violating": "share of surfaces",
}
FEWEST_DAYS = 3  # of a condition that get an interval: fewer say nothing about how days differ


def label_days(surfaces: pl.DataFrame, split: pl.DataFrame, stress: Stress) -> pl.DataFrame:
    """Flag each day whose market vol, or absolute market return, is at or above a quantile of the test days'.

    Parameters
    ----------
    surfaces : pl.DataFrame
        One row a surface: `date`, `market_vol` and `market_return` (decimals, null where unknown).
    split : pl.DataFrame
        Table SPLIT.
    stress : Stress
        The quantiles.

    Returns
    -------
    Table DAYS. `stress` is true where either flag is; a flag is null where its feature is unknown, and such a day is
    neither of stress nor calm unless the other flag is true. `…_share_below` is the share of all days of the study that
    lie below the threshold.
    """
    means = surfaces.group_by("date", maintain_order=True).agg(pl.col(_MARKET).mean())
    days = split.select("date", "split").join(means, on="date", how="left", validate="1:1")
    vol, size, tested = pl.col("market_vol"), pl.col("market_return").abs(), pl.col("split") == "test"
    days = days.with_columns(
        vol_threshold=vol.filter(tested).quantile(stress.vol_quantile, "linear"),
        return_threshold=size.filter(tested).quantile(stress.return_quantile, "linear"),
    ).with_columns(
        high_vol=vol >= pl.col("vol_threshold"),
        large_return=size >= pl.col("return_threshold"),
        vol_share_below=(vol < pl.col("vol_threshold")).mean(),
        return_share_below=(size < pl.col("return_threshold")).mean(),
    )
    flagged = days.with_columns(stress=pl.col("high_vol") | pl.col("large_return")).sort("date")
    return check(flagged, DAYS, "days of the study")


def compare_conditions(values: pl.DataFrame, days: pl.DataFrame, evaluation: Evaluation) -> pl.DataFrame:
    """One row a method, tier, mask, metric and condition of the days.

    Parameters
    ----------
    values : pl.DataFrame
        From `ivyspt.evaluation.surface_values.surface_values`; metrics other than METRICS are left out.
    days : pl.DataFrame
        Table DAYS.
    evaluation : Evaluation
        The reference, and the bootstrap's blocks, draws, seed and confidence.

    Returns
    -------
    `unit` of the metric; `mean` over the condition's surfaces and then seeds, its `std` over `seeds`; `surfaces`,
    `days`; `difference` (method minus reference, surface by surface, mean over the condition's days) and `excess`
    (the method's mean over the condition's days minus its mean over calm days), each with the bounds `…_low` and
    `…_high` of its interval.

    Blocks of all test days are drawn, and each draw's mean is taken over the days of the condition that it holds: the
    same days for both sides of a difference. A condition of fewer than `FEWEST_DAYS` days has no interval.

    Raises
    ------
    DataError
        The reference is not among the methods.
    """
    methods = values["run"].unique().to_list()
    if evaluation.reference not in methods:
        raise DataError(f"evaluation.reference must be one of {', '.join(sorted(methods))}, got {evaluation.reference}")
    flags = days.select("date", **CONDITIONS)
    chosen = values.filter(pl.col("metric").is_in(list(METRICS))).join(flags, on="date", how="left", validate="m:1")
    surfaces = chosen.group_by("run", *CELL, "surface_id", "date", *CONDITIONS, maintain_order=True).agg(
        pl.col("value").mean()
    )
    summaries = [_summary(chosen, surfaces, condition) for condition in CONDITIONS]
    tests = [_tested(frame, evaluation) for frame in surfaces.partition_by("tier", "mask")]
    keys = ["run", *CELL, "condition"]
    table = pl.concat(summaries).join(pl.concat(tests), on=keys, how="left")
    return table.with_columns(unit=pl.col("metric").replace_strict(METRICS)).sort("tier", "mask", *keys[3:], "run")


def _summary(values: pl.DataFrame, surfaces: pl.DataFrame, condition: str) -> pl.DataFrame:
    counts = surfaces.filter(condition).group_by("run", *CELL, maintain_order=True)
    counted = counts.agg(surfaces=pl.len(), days=pl.col("date").n_unique())
    means = summarise(values.filter(condition)).drop("pooled")
    return means.join(counted, on=["run", *CELL]).with_columns(condition=pl.lit(condition))


def _tested(surfaces: pl.DataFrame, evaluation: Evaluation) -> pl.DataFrame:
    """Differences and excesses of every method and metric under one mask, with their intervals."""
    reference = surfaces.filter(pl.col("run") == evaluation.reference)
    reference = reference.select("metric", "surface_id", reference="value")
    paired = surfaces.filter(pl.col("run") != evaluation.reference).join(reference, on=["metric", "surface_id"])
    paired = paired.with_columns(value=pl.col("value") - pl.col("reference"))
    dates = surfaces.select("date", *CONDITIONS).unique().sort("date").with_row_index("day")
    on = dates.select(pl.col(*CONDITIONS).fill_null(False)).to_numpy()
    own, differences = (_by_day(frame, dates) for frame in (surfaces, paired))
    means, days = _conditional_means(own[1], on, evaluation)
    excess = _frame("excess", own[0], means - means[:, :1], np.minimum(days, days[:1]), evaluation)
    difference = _frame("difference", differences[0], *_conditional_means(differences[1], on, evaluation), evaluation)
    excess = excess.filter(pl.col("condition") != "calm")
    table = excess.join(difference, on=["run", "metric", "condition"], how="full", coalesce=True)
    return table.with_columns(pl.lit(surfaces[name][0]).alias(name) for name in ("tier", "mask"))


def _by_day(surfaces: pl.DataFrame, dates: pl.DataFrame) -> tuple[pl.DataFrame, np.ndarray]:
    """Run and metric of each series, its means over each day's surfaces, (day, series); NaN where there are none."""
    daily = surfaces.group_by("run", "metric", "date", maintain_order=True).agg(pl.col("value").mean())
    series = daily.select("run", "metric").unique().sort("run", "metric").with_row_index("series")
    placed = daily.join(series, on=["run", "metric"]).join(dates.select("day", "date"), on="date")
    table = np.full((dates.height, series.height), np.nan)
    table[placed["day"].to_numpy(), placed["series"].to_numpy()] = placed["value"].to_numpy()
    return series.drop("series"), table


def _conditional_means(by_day: np.ndarray, on: np.ndarray, evaluation: Evaluation) -> tuple[np.ndarray, np.ndarray]:
    """Means over the days of each condition and their number of days.

    `by_day` is (day, series), `on` (day, condition); the means are (1 + draw, condition, series), those of the days as
    they came first, the numbers (condition, series).
    """
    chosen = np.where(on[:, :, None], by_day[:, None, :], np.nan).reshape(len(by_day), -1)
    known = ~np.isnan(chosen)
    days = known.sum(axis=0)
    centre = np.where(days > 0, np.where(known, chosen, 0.0).sum(axis=0) / np.maximum(days, 1), np.nan)
    means = np.vstack([centre, resampled_means(chosen, evaluation)])
    shape = (on.shape[1], by_day.shape[1])
    return means.reshape(len(means), *shape), days.reshape(shape)  # there may be no series


def _frame(
    name: str, series: pl.DataFrame, means: np.ndarray, days: np.ndarray, evaluation: Evaluation
) -> pl.DataFrame:
    """Value and interval of each series under each condition; null bounds where there are too few days."""
    bounds = np.full((2, *days.shape), np.nan)
    enough = days >= FEWEST_DAYS
    if enough.any():
        bounds[:, enough] = interval(means[1:, enough], evaluation)
    columns = {name: means[0], f"{name}_low": bounds[0], f"{name}_high": bounds[1]}
    tables = [
        series.with_columns(pl.lit(condition).alias("condition"), *(pl.Series(n, c[i]) for n, c in columns.items()))
        for i, condition in enumerate(CONDITIONS)
    ]
    return pl.concat(tables).with_columns(pl.col(pl.Float64).fill_nan(None))
