"""Bad input to a stage: one sentence, a non-zero status, and earlier results untouched."""

import json
from datetime import datetime

import polars as pl
import pytest

from ivyspt.__main__ import main

SETTINGS = json.dumps({"split": {"partitions": 1}})


def points(days: int = 30) -> pl.DataFrame:
    quoted = [datetime(2024, 1, 1 + day, 16) for day in range(days)]
    return pl.DataFrame(
        {
            "surface_id": [f"A {day:%Y-%m-%d}" for day in quoted],
            "quote_time": quoted,
            "symbol": "A",
            "expiry": datetime(2024, 6, 1, 16),
            "strike": 100.0,
            "log_moneyness": 0.0,
            "time_to_maturity": 0.5,
            "implied_vol": 0.2,
            "forward": 100.0,
            "point": 0,
            "mask_group": 0,
            "tier": "liquid",
            "visible": True,
        }
    )


@pytest.fixture
def split(tmp_path):
    """Run the stage that splits days on a table and return (status, what stood before and after)."""
    earlier = tmp_path / "split.parquet"
    earlier.write_bytes(b"earlier result")

    def run(table, settings=SETTINGS):
        path = tmp_path / "points.parquet"
        if isinstance(table, bytes):
            path.write_bytes(table)
        elif table is not None:
            table.write_parquet(path)
        status = main(["split_days", "--settings", settings, "--points", str(path), "--split", str(earlier)])
        return status, earlier.read_bytes(), sorted(p.name for p in tmp_path.iterdir() if p.name.startswith("."))

    return run


def test_good_input_replaces_the_earlier_result(split):
    status, content, left = split(points())
    assert status == 0
    assert content != b"earlier result"
    assert left == []


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (None, "must exist, got no such file"),
        (b"PAR1 but not a parquet file", "must be a parquet file"),
        (points().drop("strike"), "must have the column strike"),
        (points().with_columns(strike=pl.lit("many")), "column strike must hold Float64 values, got 'many'"),
        (points().with_columns(implied_vol=float("nan")), "column implied_vol must be finite, got nan in row 0"),
        (points().with_columns(symbol=pl.lit(None)), "column symbol must not be empty, got 30 empty"),
        (pl.concat([points(), points()[:1]]), "surface_id, point must identify a row"),
        (points(5), "at least 2"),
        (points()[:0], "must"),
    ],
    ids=["missing", "corrupt", "column", "text", "nan", "empty", "twice", "short", "no rows"],
)
def test_bad_table_is_one_sentence(table, sentence, split, capsys):
    status, content, left = split(table)
    error = capsys.readouterr().err
    assert status == 1
    assert sentence in error
    assert error.count("\n") == 1
    assert content == b"earlier result"
    assert left == []


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"split": {"partitions": 1, "trian": 0.8}}, "setting split.trian: Extra inputs are not permitted, got 0.8"),
        ({"split": {"partitions": 0}}, "setting split.partitions: Input should be greater than or equal to 1, got 0"),
    ],
)
def test_bad_setting_is_one_sentence_that_names_the_key(settings, sentence, split, capsys):
    status, content, _ = split(points(), json.dumps(settings))
    error = capsys.readouterr().err
    assert (status, error.count("\n"), content) == (1, 1, b"earlier result")
    assert sentence in error


def test_unknown_stage_lists_the_stages(capsys):
    assert main(["pretain"]) == 2
    assert "pretrain" in capsys.readouterr().err
