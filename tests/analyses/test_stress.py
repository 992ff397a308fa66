"""Days of stress, and methods on them, against plain means over days."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from arch.bootstrap import CircularBlockBootstrap

from ivyspt.analyses.stress import compare_conditions, label_days
from ivyspt.analysis_config import Stress
from ivyspt.columns import DataError
from ivyspt.config import Evaluation

DATES = [date(2024, 1, 1) + timedelta(days=day) for day in range(20)]
EVALUATION = Evaluation(reference="ours", bootstrap_draws=400, bootstrap_block_days=2)


def made_days(high: list[int], large: list[int], unknown: tuple[int, ...] = ()) -> pl.DataFrame:
    flags = {"high_vol": [day in high for day in range(20)], "large_return": [day in large for day in range(20)]}
    days = pl.DataFrame({"date": DATES, **flags}).with_columns(stress=pl.col("high_vol") | pl.col("large_return"))
    blank = pl.col("date").is_in([DATES[day] for day in unknown])
    return days.with_columns(pl.when(~blank).then(name).alias(name) for name in ("high_vol", "large_return", "stress"))


def made_values(errors: dict[str, np.ndarray]) -> pl.DataFrame:
    """RMSE by method: (surface, day); two seeds, half above and half below it."""
    rows = [
        {"run": run, "seed": seed, "tier": "liquid", "mask": "half", "surface_id": f"{symbol} {day}", "date": day}
        | {"metric": "rmse", "points": 10, "value": value + sign * 0.25}
        for run, table in errors.items()
        for symbol, row in enumerate(table)
        for day, value in zip(DATES, row, strict=True)
        for seed, sign in ((0, 1), (1, -1))
    ]
    return pl.DataFrame(rows).with_columns(pl.col("seed", "points").cast(pl.UInt32))


@pytest.fixture(scope="module")
def errors():
    generator = np.random.default_rng(0)
    ours = 1 + generator.random((3, 20))
    theirs = ours + 0.5 + generator.random((3, 20))
    theirs[:, [3, 4, 5, 11]] += 1.0
    return {"ours": ours, "theirs": theirs}


def rows_of(table: pl.DataFrame, run: str) -> dict[str, dict]:
    return {row["condition"]: row for row in table.filter(pl.col("run") == run).iter_rows(named=True)}


def test_means_differences_and_excesses_are_those_of_the_days(errors):
    high, large = [3, 4, 5], [5, 11]
    table = compare_conditions(made_values(errors), made_days(high, large), EVALUATION)
    stress = sorted({*high, *large})
    calm = [day for day in range(20) if day not in stress]
    for condition, days in (("calm", calm), ("stress", stress), ("high_vol", high), ("large_return", large)):
        row = rows_of(table, "theirs")[condition]
        assert row["mean"] == pytest.approx(errors["theirs"][:, days].mean())
        assert (row["days"], row["surfaces"], row["seeds"]) == (len(days), 3 * len(days), 2)
        gap = errors["theirs"] - errors["ours"]
        assert row["difference"] == pytest.approx(gap[:, days].mean())
        assert row["unit"] == "vol points"
        if condition != "calm":
            excess = errors["theirs"][:, days].mean() - errors["theirs"][:, calm].mean()
            assert row["excess"] == pytest.approx(excess)
    assert rows_of(table, "ours")["stress"]["difference"] is None
    assert rows_of(table, "ours")["calm"]["excess"] is None


def test_intervals_are_those_of_a_bootstrap_written_out(errors):
    high = [3, 4, 5, 11]
    table = compare_conditions(made_values(errors), made_days(high, []), EVALUATION)
    on = np.isin(np.arange(20), high)
    daily = {run: values.mean(axis=0) for run, values in errors.items()}
    bootstrap = CircularBlockBootstrap(2, np.arange(20), seed=np.random.default_rng(EVALUATION.bootstrap_seed))
    excess, gap = [], []
    for (drawn,), _ in bootstrap.bootstrap(EVALUATION.bootstrap_draws):
        chosen = on[drawn]
        if chosen.any():
            own = daily["theirs"][drawn]
            excess.append(own[chosen].mean() - own[~chosen].mean())
            gap.append((daily["theirs"] - daily["ours"])[drawn][chosen].mean())
    row = rows_of(table, "theirs")["stress"]
    tail = (1 - EVALUATION.confidence) / 2
    for name, draws in (("excess", excess), ("difference", gap)):
        low, high_end = np.quantile(draws, [tail, 1 - tail])
        assert row[f"{name}_low"] == pytest.approx(low, rel=1e-9)
        assert row[f"{name}_high"] == pytest.approx(high_end, rel=1e-9)


def test_a_constant_gap_has_no_spread_however_the_days_differ(errors):
    shifted = {"ours": errors["ours"], "theirs": errors["ours"] + 0.5}
    table = compare_conditions(made_values(shifted), made_days([3, 4, 5], []), EVALUATION)
    row = rows_of(table, "theirs")["stress"]
    assert row["difference_low"] == pytest.approx(0.5)
    assert row["difference_high"] == pytest.approx(0.5)
    assert row["excess_high"] > row["excess_low"]


def test_two_days_have_a_mean_and_no_interval(errors):
    table = compare_conditions(made_values(errors), made_days([3, 4], []), EVALUATION)
    row = rows_of(table, "theirs")["high_vol"]
    assert row["days"] == 2
    assert row["mean"] is not None
    assert row["excess_low"] is row["difference_low"] is None
    assert "large_return" not in rows_of(table, "theirs")


def test_a_day_whose_market_is_unknown_is_neither_calm_nor_of_stress(errors):
    table = compare_conditions(made_values(errors), made_days([3, 4, 5], [], unknown=(0, 1)), EVALUATION)
    found = rows_of(table, "theirs")
    assert found["calm"]["days"] + found["stress"]["days"] == 18


def test_a_missing_reference_is_named(errors):
    with pytest.raises(DataError, match="must be one of theirs, got ours"):
        compare_conditions(made_values({"theirs": errors["theirs"]}), made_days([3], []), EVALUATION)


def test_a_tier_that_the_reference_does_not_answer_has_means_and_no_differences(errors):
    """Fine-tuned weights answer one tier alone."""
    elsewhere = made_values({"theirs": errors["theirs"]}).with_columns(tier=pl.lit("sparse"))
    table = compare_conditions(pl.concat([made_values(errors), elsewhere]), made_days([3, 4, 5], []), EVALUATION)
    own = table.filter(pl.col("tier") == "sparse")
    assert own["difference"].null_count() == own.height == 4 - 1  # no day of a large return
    assert own["mean"].is_not_null().all()


def test_days_are_flagged_by_quantiles_of_the_test_days():
    generator = np.random.default_rng(1)
    vol, market_return = generator.random(20), generator.normal(size=20)
    surfaces = pl.DataFrame(
        {"date": DATES * 2, "market_vol": [*(vol - 0.1), *(vol + 0.1)], "market_return": [*market_return] * 2}
    )
    split = pl.DataFrame({"partition": [0] * 20, "date": DATES, "split": ["train"] * 10 + ["test"] * 10})
    days = label_days(surfaces, split, Stress(vol_quantile=0.8, return_quantile=0.9))
    assert days["date"].to_list() == DATES
    size = np.abs(market_return)
    high, large = vol >= np.quantile(vol[10:], 0.8), size >= np.quantile(size[10:], 0.9)
    assert (high[10:].sum(), large[10:].sum()) == (2, 1)
    assert days["vol_share_below"][0] == pytest.approx((~high).mean())
    assert days["high_vol"].to_list() == high.tolist()
    assert days["large_return"].to_list() == large.tolist()
    assert days["stress"].to_list() == (high | large).tolist()


def test_a_day_without_market_vol_is_of_stress_only_by_its_return():
    surfaces = pl.DataFrame(
        {"date": DATES, "market_vol": [None, None, *[0.2] * 18], "market_return": [0.1, *[0.0] * 19]}
    )
    split = pl.DataFrame({"partition": [0] * 20, "date": DATES, "split": ["test"] * 20})
    days = label_days(surfaces, split, Stress(return_quantile=0.99))
    assert days["stress"].to_list()[:2] == [True, None]
