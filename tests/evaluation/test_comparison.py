"""Intervals, tests and summaries against formulas and simulation."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import t as student
from statsmodels.stats.multitest import multipletests

from ivyspt.columns import DataError
from ivyspt.config import Evaluation
from ivyspt.evaluation.comparison import (
    block_intervals,
    compare,
    diebold_mariano,
    holm,
    number_of_blocks,
    seed_differences,
)


def make_values(series, metric="rmse", seeds=(0,)):
    """Long table of surfaces' values: method -> array (day, surface)."""
    rows = []
    for run, values in series.items():
        for seed in seeds:
            for (day, surface), value in np.ndenumerate(values):
                row = {"run": run, "seed": seed, "tier": "liquid", "mask": "random_5", "metric": metric}
                row |= {"surface_id": f"{surface} {day}", "date": date(2024, 1, 2) + timedelta(days=day)}
                rows.append(row | {"points": 1 + surface, "value": float(value) + seed})
    return pl.DataFrame(rows)


def test_diebold_mariano_is_the_ratio_of_mean_to_newey_wests_error():
    d, lags = np.array([0.3, -0.1, 0.4, 0.2, 0.5, -0.2, 0.1, 0.6]), 2
    n, e = d.size, d - d.mean()
    gamma = [e[j:] @ e[: n - j] / n for j in range(lags + 1)]
    variance = gamma[0] + 2 * sum((1 - j / (lags + 1)) * gamma[j] for j in (1, 2))  # Newey & West (1987), eq. (5)
    statistic, p_value = diebold_mariano(d, lags)
    assert statistic == pytest.approx(d.mean() / np.sqrt(variance / n), rel=1e-12)
    assert p_value == pytest.approx(2 * student.sf(abs(statistic), n - 1), rel=1e-12)


def test_diebold_mariano_needs_variation():
    assert diebold_mariano(np.ones(10), 2) == (None, None)
    assert diebold_mariano(np.array([1.0, 2.0]), 0) == (None, None)


def test_interval_covers_the_mean_of_an_autocorrelated_series():
    rng, days, series = np.random.default_rng(0), 120, 300
    noise = rng.normal(size=(days + 1, series))
    by_day = 0.5 + noise[1:] + 0.5 * noise[:-1]  # moving average, mean 0.5
    kept = Evaluation(bootstrap_block_days=8, bootstrap_draws=500, confidence=0.9)
    low, high = block_intervals(by_day, kept)
    coverage = np.mean((low < 0.5) & (high > 0.5))
    # nominal 0.90; blocks of eight days lose some of the correlation; 300 series give a standard error of 0.02
    assert 0.82 < coverage < 0.95
    narrow = block_intervals(by_day, kept.model_copy(update={"bootstrap_block_days": 1}))
    assert np.mean(narrow[1] - narrow[0]) < 0.85 * np.mean(high - low)  # single days miss it altogether


def test_interval_of_a_series_that_lacks_days():
    full = np.random.default_rng(1).normal(size=(40, 1))
    gaps = np.where(np.arange(40)[:, None] % 2 == 0, full, np.nan)
    low, high = block_intervals(np.hstack([full, gaps]), Evaluation(bootstrap_draws=400))
    assert low[1] < np.nanmean(gaps) < high[1]
    assert high[1] - low[1] > high[0] - low[0]


def test_comparison_of_shifted_methods():
    rng = np.random.default_rng(0)
    reference = rng.uniform(1, 2, size=(12, 3))
    noise = rng.normal(scale=0.1, size=(12, 3))
    series = {"reference": reference, "worse": reference + 1, "noisy": reference + 0.5 + noise}
    settings = Evaluation(reference="reference", bootstrap_draws=300)
    table = compare(make_values(series, seeds=(0, 1)), settings)
    rows = {row["run"]: row for row in table.iter_rows(named=True)}
    for run, values in series.items():
        assert rows[run]["mean"] == pytest.approx(values.mean() + 0.5)
        assert rows[run]["std"] == pytest.approx(np.sqrt(0.5))  # of the means m and m + 1 of two seeds
        assert rows[run]["median"] == pytest.approx(np.median(values) + 0.5)
        assert (rows[run]["seeds"], rows[run]["surfaces"], rows[run]["days"]) == (2, 36, 12)
    worse, noisy = rows["worse"], rows["noisy"]
    assert [worse[name] for name in ("difference", "low", "high", "win_rate")] == pytest.approx([1, 1, 1, 1])
    assert worse["p_value"] is None  # a constant difference has no error to test against
    assert noisy["difference"] == pytest.approx(0.5 + noise.mean())
    assert noisy["low"] < noisy["difference"] < noisy["high"]
    assert noisy["p_value"] == noisy["p_holm"] < 1e-6  # one test in the cell
    assert noisy["blocks"] == number_of_blocks(12, 5) == 3
    assert rows["reference"]["difference"] is None


def test_pooled_rmse_is_that_of_all_points():
    values = make_values({"reference": np.array([[1.0, 3.0]])})  # of 1 and of 2 points
    table = compare(values, Evaluation(reference="reference"))
    assert table["pooled"].item() == pytest.approx(np.sqrt((1 * 1 + 2 * 9) / 3))
    assert table["mean"].item() == pytest.approx(2)


def test_ties_count_half():
    series = {"reference": np.zeros((6, 2)), "other": np.tile([0.0, 1.0], (6, 1))}
    table = compare(make_values(series), Evaluation(reference="reference", bootstrap_draws=50))
    assert table.row(by_predicate=pl.col("run") == "other", named=True)["win_rate"] == 0.75


def test_holm_agrees_with_statsmodels():
    p_values = np.sort(np.random.default_rng(0).uniform(size=12) ** 3)
    ours = pl.DataFrame({"p": p_values}).select(holm(pl.col("p"))).to_series()
    np.testing.assert_allclose(ours, multipletests(p_values, method="holm")[1], rtol=1e-14)


def test_the_reference_must_be_there():
    with pytest.raises(DataError, match=r"evaluation.reference must be one of a, b, got ours"):
        compare(make_values({"a": np.ones((2, 2)), "b": np.ones((2, 2))}), Evaluation(reference="ours"))


def seeded(shift):
    """Values of a reference and of a method that is worse by `shift` (seed, day), on two surfaces a day."""
    noise = np.random.default_rng(3).uniform(1, 2, size=(len(shift), len(shift[0]), 2))
    tables = []
    for seed, by_day in enumerate(shift):
        series = {"reference": noise[seed], "other": noise[seed] + np.asarray(by_day)[:, None]}
        tables.append(make_values(series).with_columns(seed=pl.lit(seed)))
    return pl.concat(tables)


def test_differences_are_paired_by_seed():
    shift = [[1.0, 2.0], [2.0, 3.0], [3.0, 7.0]]  # means 1.5, 2.5 and 5
    row = seed_differences(seeded(shift), Evaluation(reference="reference")).row(0, named=True)
    assert (row["run"], row["pairs"]) == ("other", 3)
    assert row["difference_std"] == pytest.approx(np.std([1.5, 2.5, 5], ddof=1))
    half = student.ppf(0.975, 2) * row["difference_std"] / np.sqrt(3)
    assert (row["seeds_low"], row["seeds_high"]) == pytest.approx((3 - half, 3 + half))


def test_the_interval_over_seeds_stands_about_the_difference():
    shift = np.random.default_rng(4).normal(size=(5, 6))
    table = compare(seeded(shift), Evaluation(reference="reference", bootstrap_draws=50))
    row = table.row(by_predicate=pl.col("run") == "other", named=True)
    assert (row["seeds_low"] + row["seeds_high"]) / 2 == pytest.approx(row["difference"]) == pytest.approx(shift.mean())


def test_one_common_seed_has_no_spread():
    values = seeded([[1.0, 2.0], [3.0, 4.0]]).filter((pl.col("run") == "reference") | (pl.col("seed") == 0))
    row = seed_differences(values, Evaluation(reference="reference")).row(0, named=True)
    assert row["pairs"] == 1
    assert row["difference_std"] is row["seeds_low"] is row["seeds_high"] is None


def test_the_order_of_rows_does_not_move_the_last_digit():
    rng = np.random.default_rng(5)
    values = make_values({"reference": rng.uniform(size=(9, 7)), "other": rng.uniform(size=(9, 7))}, seeds=(0, 1, 2))
    settings = Evaluation(reference="reference", bootstrap_draws=50)
    tables = [compare(values.sample(fraction=1.0, shuffle=True, seed=seed), settings) for seed in range(4)]
    assert all(table.equals(tables[0]) for table in tables[1:])
