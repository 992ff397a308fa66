"""Tiers by name and by rank."""

from datetime import datetime

import polars as pl
import pytest

from ivyspt.columns import DataError
from ivyspt.config import Tiers
from ivyspt.surfaces.tiers import assign


def points(sizes):
    """Surfaces of the given numbers of points, by symbol."""
    rows = [
        {"symbol": symbol, "surface_id": f"{symbol} {day}", "quote_time": datetime(2024, 1, 1 + day), "point": point}
        for symbol, counts in sizes.items()
        for day, count in enumerate(counts)
        for point in range(count)
    ]
    return pl.DataFrame(rows)


RICH = {"B": [9, 9, 9], "A": [9, 9, 9], "C": [30, 3, 4], "D": [2, 2]}


def tiers_of(frame, **rule):
    return dict(assign(frame, Tiers(**rule)).select("symbol", "tier").iter_rows())


def test_ranked_by_median_points_and_ties_by_name():
    ranked = assign(points(RICH), Tiers(rule="ranked", liquid=1, sparse=1))
    assert ranked["symbol"].to_list() == ["A", "B", "C", "D"]  # C's mean is above A's, its median is not
    assert ranked["median_points"].to_list() == [9, 9, 4, 2]
    assert ranked["tier"].to_list() == ["liquid", "unused", "unused", "sparse"]


def test_the_order_of_rows_does_not_matter():
    frame, rule = points(RICH), Tiers(rule="ranked", liquid=2, sparse=1)
    assert assign(frame.sample(fraction=1, shuffle=True, seed=1), rule).equals(assign(frame, rule))


def test_named_tiers_are_taken_as_listed():
    expected = {"A": "sparse", "B": "unused", "C": "unused", "D": "liquid"}
    assert tiers_of(points(RICH), rule="named", liquid=["D"], sparse=["A"]) == expected


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"rule": "named", "liquid": ["A"], "sparse": ["X"]}, "must have a surface, got none of X"),
        ({"rule": "named", "liquid": ["A"], "sparse": ["A", "B"]}, "must be in one tier, got A in both"),
        ({"rule": "named", "liquid": 2, "sparse": ["A"]}, "lists of symbols"),
        ({"rule": "ranked", "liquid": ["A"], "sparse": 1}, "two counts"),
        ({"rule": "ranked", "liquid": 3, "sparse": 2}, "at most 4 symbols, got 3 \\+ 2"),
    ],
)
def test_impossible_tiers_are_refused(rule, message):
    with pytest.raises(DataError, match=message):
        assign(points(RICH), Tiers(**rule))
