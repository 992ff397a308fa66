"""What counts as reproduced."""

from pathlib import Path

import polars as pl
import pytest
import yaml

from ivyspt.columns import DataError
from workflow.scripts.verification import COLUMNS, MAGNIFYING, RELATIVE, committed, headlines, judge, table

ROOT = Path(__file__).parents[2]
ROW = {"method": "svi", "tier": "liquid", "mask": "visible", "metric": "rmse", "value": 0.5, "tolerance": 0.01}


def frame(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame([ROW | row for row in rows], schema=COLUMNS)


@pytest.mark.parametrize(
    ("value", "reproduced"), [(0.5, True), (0.509, True), (0.491, True), (0.52, False), (0.3, False)]
)
def test_a_number_is_reproduced_within_its_tolerance(value, reproduced):
    judged = judge(frame({}), frame({"value": value}))
    assert judged["reproduced"].to_list() == [reproduced]
    assert ("NOT reproduced" in table(judged)) is not reproduced
    assert f"{int(reproduced)} of 1 numbers reproduced" in table(judged)


def test_a_number_that_is_gone_is_not_reproduced_and_a_new_one_is_no_matter():
    judged = judge(frame({}, {"method": "ssvi"}), frame({"method": "ssvi"}, {"method": "essvi"}))
    assert dict(judged.select("method", "reproduced").iter_rows()) == {"svi": False, "ssvi": True}
    assert "none" in table(judged)


def test_counts_have_no_tolerance():
    points = {"metric": "points", "value": 100.0, "tolerance": 0.0}
    assert judge(frame(points), frame(points))["reproduced"].all()
    assert not judge(frame(points), frame(points | {"value": 101.0}))["reproduced"].any()


def test_an_unfinished_study_and_a_missing_table_are_one_sentence(tmp_path):
    with pytest.raises(DataError, match="run the study"):
        headlines(tmp_path)
    with pytest.raises(DataError, match="make expected"):
        committed(tmp_path / "none.csv")
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="must have the columns"):
        committed(tmp_path / "odd.csv")


@pytest.mark.parametrize("config", ["config", "smoke"])
def test_numbers_are_committed_for_the_default_and_the_smoke_study(config):
    study = yaml.safe_load((ROOT / f"config/{config}.yaml").read_text())
    numbers = committed(ROOT / f"results/expected/{study['study']}.csv")
    assert (numbers["tolerance"] >= 0).all()
    assert {"ivyspt.pretrain", "ivyspt.finetune", "cubic_spline", "data"} <= set(numbers["method"])
    assert judge(numbers, numbers)["reproduced"].all()
    for row in numbers.filter(pl.col("metric") == "rmse").iter_rows(named=True):
        magnified = "." in row["method"] or row["method"] in MAGNIFYING
        share = RELATIVE["magnified" if magnified else "fitted"]
        assert row["tolerance"] == pytest.approx(share * row["value"], abs=2e-6), row["method"]
