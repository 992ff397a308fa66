"""Shares of violations against counts by hand."""

import polars as pl
import pytest

from ivyspt.quotes.arbitrage_audit import SCHEMA
from ivyspt.quotes.violation_shares import violation_shares

ROWS = [
    ("A", "butterfly", 10, 2, 1),
    ("A", "calendar_spread", 5, 0, 0),
    ("B", "butterfly", 30, 0, 0),
    ("B", "calendar_spread", 0, 0, 0),  # one expiry
]


def table(rows):
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def shares(rows):
    return {row.pop("family"): row for row in violation_shares(table(rows)).iter_rows(named=True)}


def test_surfaces_and_constraints_are_counted_apart():
    found = shares(ROWS)
    assert list(found) == ["any", "butterfly", "calendar_spread"]
    assert found["any"] == {
        "surfaces": 2,
        "constraints": 45,
        "surfaces_at_mid": 0.5,
        "surfaces_executable": 0.5,
        "at_mid": pytest.approx(2 / 45),
        "executable": pytest.approx(1 / 45),
    }
    assert found["butterfly"]["at_mid"] == pytest.approx(2 / 40)
    assert found["calendar_spread"]["surfaces"] == 1
    assert found["calendar_spread"]["surfaces_at_mid"] == 0.0


def test_without_bid_and_ask_nothing_is_said_of_executable_ones():
    found = shares([(*row[:4], None) for row in ROWS])
    assert found["any"]["surfaces_executable"] is None
    assert found["any"]["executable"] is None
    assert found["any"]["surfaces_at_mid"] == 0.5


def test_surfaces_without_bid_and_ask_do_not_dilute_the_others():
    found = shares([*ROWS, ("C", "butterfly", 100, 50, None)])
    assert found["butterfly"]["executable"] == pytest.approx(1 / 40)
    assert found["butterfly"]["surfaces_executable"] == 0.5
    assert found["butterfly"]["at_mid"] == pytest.approx(52 / 140)
