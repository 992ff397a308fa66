"""Counts of surfaces and quotes against counts by hand."""

from datetime import date, datetime

import polars as pl
import pytest

from ivyspt.columns import REJECTIONS, DataError
from ivyspt.surfaces import coverage
from tests.surfaces.conftest import make_points

TIERS = pl.DataFrame({"symbol": ["A", "B"], "tier": ["liquid", "sparse"]})
DAYS = [date(2024, 1, 1), date(2024, 1, 2)]


@pytest.fixture
def points():
    """A has 18 points on both days, B ten of its 18 on the first alone."""
    points = make_points(symbols=("A", "B"), days=2)
    return points.filter((pl.col("symbol") == "A") | ((pl.col("point") < 10) & (pl.col("surface_id") == "B 0")))


@pytest.fixture
def surfaces(points):
    return coverage.surface_counts(points, TIERS)


def rejections(*rows):
    return pl.DataFrame(rows, schema=REJECTIONS.columns, orient="row")


def test_a_surface_is_counted_with_its_slices_and_range(surfaces):
    assert surfaces["surface_id"].to_list() == ["A 0", "B 0", "A 1"]
    assert surfaces["points"].to_list() == [18, 10, 18]
    assert surfaces["tier"].to_list() == ["liquid", "sparse", "liquid"]
    assert surfaces["slices"].to_list() == [2, 2, 2]
    assert surfaces["shortest"].to_list() == pytest.approx([30, 30, 30])
    assert surfaces["longest"].to_list() == pytest.approx([60, 60, 60])


def test_coverage_by_symbol_and_by_day(surfaces):
    by_symbol = coverage.coverage_by_symbol(surfaces)
    assert by_symbol.select("symbol", "surfaces", "days_covered", "points").rows() == [
        ("A", 2, 1.0, 18.0),
        ("B", 1, 0.5, 10.0),
    ]
    assert coverage.coverage_by_day(surfaces).rows() == [(DAYS[0], 2, 2, 28), (DAYS[1], 1, 1, 18)]


def test_points_by_tier():
    surfaces = pl.DataFrame(
        {"tier": "liquid", "symbol": list("ABCCC"), "points": [10, 20, 30, 40, 50], "slices": [1, 2, 3, 4, 5]}
    )
    row = coverage.points_by_tier(surfaces).row(0, named=True)
    assert row == {
        "tier": "liquid",
        "symbols": 3,
        "surfaces": 5,
        "fewest": 10,
        "q10": pytest.approx(14.0),
        "median": 30.0,
        "q90": pytest.approx(46.0),
        "most": 50,
        "slices": 3.0,
    }


def test_classes_of_maturity_include_their_last_day():
    days = pl.DataFrame({"time_to_maturity": [14.0, 14.4, 15.0, 45.0, 46.0, 120.0, 365.0, 366.0]}) / 365
    found = days.select(coverage.maturity_class()).to_series().to_list()
    short, month, quarter, year, long = coverage.MATURITIES
    assert found == [short, short, month, month, quarter, quarter, year, long]


SLICES = pl.DataFrame(
    {
        "quote_time": [datetime(2024, 1, 1, 16), datetime(2024, 1, 1, 16), datetime(2024, 1, 2, 16)],
        "symbol": ["A", "A", "B"],
        "quotes": [10, 6, 4],
        "quotes_used": [7, 5, 0],
    }
)
DROPPED = rejections(
    (DAYS[0], "A", "zero_bid", 3),
    (DAYS[0], "A", "crossed", 1),
    (DAYS[1], "B", "zero_bid", 4),
    (DAYS[1], "B", "expired", 2),  # at reading
    (DAYS[0], "C", "expired", 5),  # a symbol of which nothing could be read
    (DAYS[0], "A", "split", 0),  # a note
)


def test_every_quote_is_used_or_dropped(points):
    counts = coverage.quote_counts(points, SLICES, DROPPED)
    assert counts.rows() == [(DAYS[0], "A", 16, 12, 4), (DAYS[0], "C", 5, 0, 5), (DAYS[1], "B", 6, 0, 6)]
    assert coverage.without_surface(counts) == ["B", "C"]


def test_a_lost_quote_is_an_error(points):
    with pytest.raises(DataError, match=r"every quote must be used or counted as dropped, got 15 of 16 quotes.*A"):
        coverage.quote_counts(points, SLICES, DROPPED.filter(pl.col("reason") != "crossed"))


def test_rows_of_a_surface_table_are_its_points(points):
    counts = coverage.quote_counts(points, None, rejections((DAYS[1], "B", "missing_value", 18)))
    assert counts.rows() == [
        (DAYS[0], "A", 18, 18, 0),
        (DAYS[0], "B", 10, 10, 0),
        (DAYS[1], "A", 18, 18, 0),
        (DAYS[1], "B", 18, 0, 18),
    ]


def test_reasons_and_their_shares(points):
    counts = coverage.quote_counts(points, SLICES, DROPPED)
    found = {row["reason"]: row for row in coverage.dropped_by_reason(DROPPED, counts).iter_rows(named=True)}
    assert [(reason, row["quotes"]) for reason, row in found.items()] == [
        ("expired", 7),
        ("zero_bid", 7),
        ("crossed", 1),
        ("split", 0),
    ]
    assert found["zero_bid"]["share"] == pytest.approx(7 / 27)
    assert found["zero_bid"]["symbols"] == found["zero_bid"]["days"] == 2
    assert found["zero_bid"]["worst_symbol"] == "B"  # 4 of 6 against 3 of 16
    assert found["zero_bid"]["worst_share"] == pytest.approx(4 / 6)
    assert found["split"]["quotes"] == 0


def test_shares_by_day_and_symbol(points):
    counts = coverage.quote_counts(points, SLICES, DROPPED)
    by_symbol = {row[:2]: row[2] for row in coverage.dropped_shares(DROPPED, counts, "symbol").rows()}
    assert by_symbol["A", "zero_bid"] == pytest.approx(3 / 16)
    assert by_symbol["C", "expired"] == 1.0
    by_day = {row[:2]: row[2] for row in coverage.dropped_shares(DROPPED, counts, "date").rows()}
    assert by_day[DAYS[0], "expired"] == pytest.approx(5 / 21)
