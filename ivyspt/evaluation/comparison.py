"""Methods compared with a reference, surface by surface and day by day.

[1] Diebold, F. X. & Mariano, R. S. (1995). Comparing predictive accuracy. Journal of Business & Economic Statistics 13,
    253-263.
[2] Newey, W. K. & West, K. D. (1987). A simple, positive semi-definite, heteroskedasticity and autocorrelation
    consistent covariance matrix. Econometrica 55, 703-708.
[3] Politis, D. N. & Romano, J. P. (1992). A circular block-resampling procedure for stationary data. In Exploring the
    Limits of Bootstrap, Wiley.
"""

import numpy as np
import polars as pl
import statsmodels.api as sm
from arch.bootstrap import CircularBlockBootstrap
from scipy.stats import t as student

from ivyspt.columns import DataError
from ivyspt.config import Evaluation

CELL = ["tier", "mask", "metric"]
# metrics whose pooled value is the root of a mean of squares
ROOTS = ("rmse", "rmse_inside", "rmse_outside", "vega_weighted_rmse")


def compare(values: pl.DataFrame, evaluation: Evaluation) -> pl.DataFrame:
    """One row a method, tier, mask and metric.

    Parameters
    ----------
    values : pl.DataFrame
        One row a method (`run`), seed, surface and metric: CELL, `surface_id`, `date`, `points`, `value`; lower is
        better in every metric. From `ivyspt.evaluation.surface_values.surface_values`.
    evaluation : Evaluation
        The reference, the bootstrap's blocks, draws, seed and confidence.

    Returns
    -------
    `mean` over surfaces and then seeds, its `std` over `seeds` (null for one seed), `median` over surfaces of the mean
    over seeds, `pooled` over points, `surfaces`, `days`; and against the reference, on the surfaces that both have:
    `difference` (method minus reference, mean over days), the bounds `low` and `high` of its interval by a circular
    block bootstrap over days [3], `blocks`, `win_rate` of the reference (share of surfaces, a tie counts half),
    `p_value` of the Diebold-Mariano test and `p_holm`, Holm's correction over the methods of a cell.
    Seed by seed, where both have it: `pairs`, `difference_std` of the differences, and the bounds `seeds_low` and
    `seeds_high` of Student's interval of their mean (null for fewer than two).

    Raises
    ------
    DataError
        The reference is not among the methods.
    """
    methods = values["run"].unique().to_list()
    if evaluation.reference not in methods:
        raise DataError(f"evaluation.reference must be one of {', '.join(sorted(methods))}, got {evaluation.reference}")
    # in one order, whatever polars makes of groups: sums in another differ in the last digit
    keys = ["run", *CELL, "surface_id", "date"]
    surfaces = values.sort(*keys, "seed").group_by(keys, maintain_order=True).agg(pl.col("value").mean())
    summary = summarise(values).join(
        surfaces.group_by("run", *CELL).agg(
            median=pl.col("value").median(), surfaces=pl.len(), days=pl.col("date").n_unique()
        ),
        on=["run", *CELL],
    )
    reference = surfaces.filter(pl.col("run") == evaluation.reference).drop("run")
    paired = surfaces.filter(pl.col("run") != evaluation.reference).join(
        reference, on=[*CELL, "surface_id", "date"], suffix="_reference"
    )
    paired = paired.with_columns(difference=pl.col("value") - pl.col("value_reference"))
    tests = [_tested(frame, evaluation) for frame in paired.partition_by("tier", "mask")]
    seeds = seed_differences(values, evaluation)
    table = summary.join(pl.concat([_NO_TESTS, *tests]), on=["run", *CELL], how="left")
    table = table.join(seeds, on=["run", *CELL], how="left")
    return _holm(table).sort("tier", "mask", "metric", "run")


def summarise(values: pl.DataFrame) -> pl.DataFrame:
    """Mean and pooled value of each method and cell over its seeds, and the spread of the mean."""
    root = pl.col("metric").is_in(ROOTS)
    weight = pl.col("points")
    pooled_square = ((pl.col("value") ** 2 * weight).sum() / weight.sum()).sqrt()
    pooled_mean = (pl.col("value") * weight).sum() / weight.sum()
    by_seed = (
        values.sort("run", *CELL, "seed", "surface_id")
        .group_by("run", *CELL, "seed", maintain_order=True)
        .agg(mean=pl.col("value").mean(), pooled=pl.when(root.first()).then(pooled_square).otherwise(pooled_mean))
    )
    return by_seed.group_by("run", *CELL, maintain_order=True).agg(
        pl.col("mean").mean(), std=pl.col("mean").std(), pooled=pl.col("pooled").mean(), seeds=pl.len()
    )


def seed_differences(values: pl.DataFrame, evaluation: Evaluation) -> pl.DataFrame:
    """How much the difference to the reference hangs on the seed, where both have the same seeds.

    Returns
    -------
    One row a method, tier, mask and metric: `pairs`, the seeds that both have; `difference_std` of the differences
    (method minus reference, mean over days) from seed to seed; `seeds_low` and `seeds_high`, Student's interval of
    their mean. All but `pairs` are null for fewer than two.
    """
    cell, surface = ["run", *CELL], [*CELL, "seed", "surface_id", "date"]
    reference = values.filter(pl.col("run") == evaluation.reference).select(*surface, reference="value")
    paired = values.filter(pl.col("run") != evaluation.reference).join(reference, on=surface)
    difference = (pl.col("value") - pl.col("reference")).mean().alias("difference")
    daily = paired.sort("run", *surface).group_by(*cell, "seed", "date", maintain_order=True).agg(difference)
    by_seed = daily.group_by(*cell, "seed", maintain_order=True).agg(pl.col("difference").mean())
    table = by_seed.group_by(cell, maintain_order=True).agg(
        pairs=pl.len(), difference_std=pl.col("difference").std(), centre=pl.col("difference").mean()
    )
    pairs = table["pairs"].to_numpy()
    quantile = student.ppf((1 + evaluation.confidence) / 2, np.maximum(pairs - 1, 1))
    half = pl.Series(quantile / np.sqrt(pairs)) * table["difference_std"]
    bounds = {"seeds_low": table["centre"] - half, "seeds_high": table["centre"] + half}
    return table.with_columns(**bounds).drop("centre")


_NO_TESTS = pl.DataFrame(
    schema={
        **dict.fromkeys(("run", *CELL), pl.String),
        **dict.fromkeys(("difference", "low", "high"), pl.Float64),
        "blocks": pl.UInt32,
        **dict.fromkeys(("win_rate", "p_value"), pl.Float64),
    }
)


def _tested(pairs: pl.DataFrame, evaluation: Evaluation) -> pl.DataFrame:
    """Interval, win rate and test of every method and metric under one mask."""
    wins = (pl.col("difference") > 0).mean() + (pl.col("difference") == 0).mean() / 2
    win_rates = pairs.group_by("run", *CELL).agg(win_rate=wins)
    daily = pairs.group_by("run", *CELL, "date").agg(pl.col("difference").mean())
    series = daily.partition_by("run", *CELL, as_dict=True)
    days = daily["date"].unique().sort()
    by_day = np.column_stack(
        [pl.DataFrame({"date": days}).join(each, on="date", how="left")["difference"] for each in series.values()]
    )
    low, high = block_intervals(by_day.astype(float), evaluation)
    rows = []
    for key, values, *bounds in zip(series, by_day.T.astype(float), low, high, strict=True):
        known = values[~np.isnan(values)]
        blocks = number_of_blocks(known.size, evaluation.bootstrap_block_days)
        p_value = diebold_mariano(known, evaluation.bootstrap_block_days - 1)[1]
        rows.append((*key, known.mean(), *(bounds if blocks > 1 else (None, None)), blocks, p_value))
    columns = [name for name in _NO_TESTS.columns if name != "win_rate"]
    table = pl.DataFrame(rows, schema={name: _NO_TESTS.schema[name] for name in columns}, orient="row")
    return table.join(win_rates, on=["run", *CELL]).select(_NO_TESTS.columns)


def number_of_blocks(days: int, block_days: int) -> int:
    """Blocks that make up one resample."""
    return -(-days // block_days)


def block_intervals(by_day: np.ndarray, evaluation: Evaluation) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of percentile intervals of the means of daily series, (day, series), by `resampled_means`."""
    return interval(resampled_means(by_day, evaluation), evaluation)


def resampled_means(by_day: np.ndarray, evaluation: Evaluation) -> np.ndarray:
    """Means of daily series over resamples of blocks of days, which keep the days' autocorrelation; (draw, series).

    `by_day` is (day, series), NaN where a series lacks a day; a mean is NaN where a resample has none of its days. The
    same resamples of days serve all series.
    """
    days = len(by_day)
    bootstrap = CircularBlockBootstrap(
        min(evaluation.bootstrap_block_days, days),
        np.arange(days),
        seed=np.random.default_rng(evaluation.bootstrap_seed),
    )
    counts = bootstrap.apply(lambda drawn: np.bincount(drawn, minlength=days), evaluation.bootstrap_draws)
    known = ~np.isnan(by_day)
    shown = counts @ known
    return np.where(shown > 0, counts @ np.where(known, by_day, 0.0), np.nan) / np.maximum(shown, 1)


def interval(means: np.ndarray, evaluation: Evaluation) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval of each series over the draws that have it."""
    tail = (1 - evaluation.confidence) / 2
    return tuple(np.nanquantile(means, [tail, 1 - tail], axis=0))


def diebold_mariano(differences: np.ndarray, lags: int) -> tuple[float | None, float | None]:
    """Statistic and two-sided p-value for zero mean of a loss differential, by Student's t.

    The long-run variance is Newey and West's [2] with Bartlett weights up to `lags`; [1], equation (1). None where
    there are too few observations or the differential is constant.
    """
    n = differences.size
    if n <= max(lags, 1) + 1 or np.ptp(differences) == 0:
        return None, None
    fit = sm.OLS(differences, np.ones(n)).fit(cov_type="HAC", cov_kwds={"maxlags": lags}, use_t=True)
    return float(fit.tvalues[0]), float(fit.pvalues[0])


def holm(p_value: pl.Expr) -> pl.Expr:
    """Holm's step-down correction of p-values in ascending order.

    The same as statsmodels' `multipletests`, which collects garbage at every call: most of this stage's time.
    """
    return (p_value * (pl.len() - pl.int_range(pl.len()))).cum_max().clip(upper_bound=1.0)


def _holm(table: pl.DataFrame) -> pl.DataFrame:
    """Add Holm's p-values over the methods of each cell."""
    tested = table.filter(pl.col("p_value").is_not_null()).sort("p_value")
    corrected = tested.with_columns(p_holm=holm(pl.col("p_value")).over(CELL))
    return table.join(corrected.select("run", *CELL, "p_holm"), on=["run", *CELL], how="left")
