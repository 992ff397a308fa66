"""Surfaces of the package qmoms, and what is done with bad rows."""

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from ivyspt.columns import DataError
from ivyspt.config import Data, Surfaces
from ivyspt.surfaces import qmoms_table

NAMES = {"14593": "AAPL", "93436": "TSLA", "18542": "CAT", "14541": "CVX", "12490": "IBM"}
SURFACES = Surfaces(min_points=4, min_expiries=1)
CURVE = pl.DataFrame({"date": [date(2023, 1, 2)] * 2, "days": [10.0, 100.0], "rate": [0.04, 0.04]})


def data(**changes):
    return Data(adapter="qmoms", label="test", simulated=False, options={"names": {"1": "ONE", "2": "TWO"}}, **changes)


def table(rows=6, identifier=1, day=date(2023, 1, 3)):
    deltas = [-10.0, -30.0, -50.0, 50.0, 30.0, 10.0][:rows]
    return pl.DataFrame(
        {
            "id": [identifier] * rows,
            "date": [day] * rows,
            "k": np.linspace(90, 110, rows),
            "impl_volatility": np.linspace(0.3, 0.25, rows),
            "delta": deltas,
            "f": [100.0] * rows,
            "days": [30.0] * rows,
        }
    )


@pytest.fixture(scope="module")
def shipped():
    options = {"names": NAMES}
    study = Data(adapter="qmoms", label="qmoms", simulated=False, options=options)
    return qmoms_table.read(study, Surfaces(min_points=12, min_expiries=2))


def test_the_package_ships_250_days_of_five_stocks_of_54_points(shipped):
    points, rejections = shipped
    sizes = points.group_by("symbol", "quote_time").len()
    assert sizes.height == 1250
    assert set(sizes["len"]) == {54}
    assert rejections.is_empty()
    assert points["quote_time"].min() == datetime(2023, 1, 3, 16)
    assert points["quote_time"].max() == datetime(2023, 12, 29, 16)


def test_identifiers_are_the_symbols_they_are_taken_for(shipped):
    # closing prices of 29 December 2023, as exchanges published them
    closes = {"AAPL": 192.53, "TSLA": 248.48, "CAT": 295.67, "CVX": 149.16, "IBM": 163.55}
    spot = (
        qmoms_table.read_file("surface").filter(pl.col("date") == date(2023, 12, 29)).group_by("id").agg(pl.first("s"))
    )
    assert {NAMES[str(identifier)]: price for identifier, price in spot.iter_rows()} == closes


def test_forwards_lie_between_a_few_dividends_below_and_the_carry_above_spot():
    surface = qmoms_table.read_file("surface")
    carry = (surface["f"] / surface["s"]).log() / surface["days"] * 365
    assert carry.min() > -0.12  # one quarterly dividend within 30 days
    assert carry.max() < 0.06  # 2023's highest short rate


def test_log_moneyness_uses_the_forward_and_maturity_is_in_years(shipped):
    points = shipped[0]
    np.testing.assert_array_equal(points["log_moneyness"], np.log(points["strike"] / points["forward"]))
    assert set(points["time_to_maturity"]) == {30 / 365, 60 / 365, 91 / 365}
    years = (points["expiry"] - points["quote_time"]).dt.total_minutes() / (365 * 24 * 60)
    np.testing.assert_allclose(points["time_to_maturity"], years, rtol=1e-15)
    assert points["implied_vol_bid"].null_count() == points.height


def test_points_are_numbered_by_maturity_then_log_moneyness(shipped):
    numbered = shipped[0].sort("surface_id", "point")
    again = numbered.sort("surface_id", "time_to_maturity", "log_moneyness")
    assert again["point"].equals(numbered["point"])


def test_twins_alone_share_a_mask_group():
    points = qmoms_table.tabulate(table(), CURVE, data(), SURFACES)[0]
    groups = points["mask_group"].to_list()
    assert len(set(groups)) == 5
    assert groups[2] == groups[3]  # -50 and +50 delta


def test_each_real_surface_has_three_pairs_of_twins(shipped):
    sizes = shipped[0].group_by("surface_id", "mask_group").len().group_by("surface_id", "len").len(name="groups")
    assert set(sizes.select("len", "groups").iter_rows()) == {(1, 48), (2, 3)}


def test_discount_factors_use_the_latest_curve_that_is_no_later():
    future = pl.DataFrame({"date": [date(2023, 1, 4)] * 2, "days": [10.0, 100.0], "rate": [0.9, 0.9]})
    points = qmoms_table.tabulate(table(), pl.concat([future, CURVE]), data(), SURFACES)[0]
    np.testing.assert_allclose(points["discount_factor"], np.exp(-0.04 * 30 / 365))
    before = qmoms_table.tabulate(table(), future, data(), SURFACES)[0]
    assert before["discount_factor"].null_count() == 6


def test_zero_rates_are_decimals():
    rates = qmoms_table.read_zero_curve()
    assert rates.filter(pl.col("date") == date(2023, 12, 29))["rate"].is_between(0.04, 0.06).all()


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("impl_volatility", -0.2, "implied_vol_not_positive"),
        ("impl_volatility", 0.0, "implied_vol_not_positive"),
        ("impl_volatility", None, "value_missing"),
        ("impl_volatility", float("nan"), "value_missing"),
        ("f", float("inf"), "value_missing"),
        ("k", 0.0, "strike_or_forward_not_positive"),
        ("days", 0.0, "expired"),
    ],
)
def test_a_bad_row_is_dropped_and_counted_by_reason(column, value, reason):
    rows = table()
    bad = rows.with_columns(pl.Series(column, [value, *rows[column][1:]], dtype=pl.Float64))
    points, rejections = qmoms_table.tabulate(bad, CURVE, data(), SURFACES)
    assert points.height == 5
    assert rejections.rows() == [(date(2023, 1, 3), "ONE", reason, 1)]


def test_a_surface_of_two_points_is_dropped_and_counted():
    both = pl.concat([table(), table(rows=2, identifier=2)])
    points, rejections = qmoms_table.tabulate(both, CURVE, data(), SURFACES)
    assert set(points["symbol"]) == {"ONE"}
    assert rejections.rows() == [(date(2023, 1, 3), "TWO", "surface_small", 2)]


def test_a_day_that_bad_rows_leave_empty_is_counted_and_does_not_appear():
    empty = table(day=date(2023, 1, 4)).with_columns(pl.lit(-1.0).alias("impl_volatility"))
    points, rejections = qmoms_table.tabulate(pl.concat([table(), empty]), CURVE, data(), SURFACES)
    assert points["quote_time"].dt.date().unique().to_list() == [date(2023, 1, 3)]
    assert rejections.rows() == [(date(2023, 1, 4), "ONE", "implied_vol_not_positive", 6)]


def test_repeated_rows_count_once_and_two_vols_of_one_delta_are_refused():
    points, rejections = qmoms_table.tabulate(pl.concat([table(), table()]), CURVE, data(), SURFACES)
    assert points.height == 6
    assert rejections.rows() == [(date(2023, 1, 3), "ONE", "repeated_row", 6)]
    conflict = pl.concat([table(), table().with_columns(pl.col("impl_volatility") + 0.1)])
    with pytest.raises(DataError, match="must have one vol, got 12 rows"):
        qmoms_table.tabulate(conflict, CURVE, data(), SURFACES)


def test_unnamed_identifiers_are_counted_and_nothing_left_is_refused():
    with pytest.raises(DataError, match="at least one surface must be left, got none of 6 rows"):
        qmoms_table.tabulate(table(identifier=3), CURVE, data(), SURFACES)
    points, rejections = qmoms_table.tabulate(pl.concat([table(), table(identifier=3)]), CURVE, data(), SURFACES)
    assert points.height == 6
    assert rejections.rows() == [(date(2023, 1, 3), "3", "unnamed", 6)]


def test_symbols_and_days_are_selected():
    days = [date(2023, 1, day) for day in (3, 4, 5)]
    rows = pl.concat([table(identifier=one, day=day) for one in (1, 2) for day in days])
    chosen = data(symbols=["TWO"], first_date="2023-01-04", last_date="2023-01-05", max_days=1)
    points = qmoms_table.tabulate(rows, CURVE, chosen, SURFACES)[0]
    assert set(points["surface_id"]) == {"TWO_2023-01-04T16:00"}


def test_an_unknown_key_is_refused():
    bad = Data(adapter="qmoms", label="test", simulated=False, options={"names": {}, "quotetime": "16:00"})
    with pytest.raises(DataError, match=r"data.options.quotetime: Extra inputs are not permitted"):
        qmoms_table.tabulate(table(), CURVE, bad, SURFACES)
