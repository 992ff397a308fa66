"""Dividends by IvyDB's distributions: what a day knows, what it lets expect, and the forward that they leave."""

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from ivyspt.columns import DataError
from ivyspt.config import Forwards
from ivyspt.quotes.dividends import Dividend, expected_dividends, present_dividends, read_distributions
from tests.quotes.written import write

HEADER = "secid,record_date,seq_num,ex_date,amount,declare_date,distr_type,currency,cancel_flag"
QUARTERLY = [Dividend(date(2020, month, 10), 0.50, regular=True) for month in (2, 5, 8)]
LAST_EXPIRY = date(2021, 6, 30)


def read(folder, *rows, header=HEADER, names=None):
    path = write(folder, *rows, name="distrd.csv", header=header)
    return read_distributions(Forwards(distributions=str(path), security_names=names))


def test_a_declared_dividend_is_known_from_the_day_after_its_declaration():
    special = [Dividend(date(2020, 9, 15), 3.0, regular=False, declared=date(2020, 9, 1))]
    until = date(2020, 12, 18)
    assert expected_dividends(special, [], date(2020, 9, 1), until) == []
    assert expected_dividends(special, [], date(2020, 9, 2), until) == [(date(2020, 9, 15), 3.0)]
    assert expected_dividends(special, [], date(2020, 9, 2), date(2020, 9, 15)) == [(date(2020, 9, 15), 3.0)]
    assert expected_dividends(special, [], date(2020, 9, 2), date(2020, 9, 14)) == []
    assert expected_dividends(special, [], date(2020, 9, 15), until) == []  # the spot price is ex already


def test_a_planted_future_dividend_changes_nothing():
    day = date(2020, 8, 20)
    without = expected_dividends(QUARTERLY, [], day, LAST_EXPIRY)
    planted = [
        Dividend(date(2020, 9, 1), 7.0, regular=True),  # not declared: known on its ex-date
        Dividend(date(2020, 9, 2), 8.0, regular=True, declared=day),
        Dividend(date(2020, 9, 3), 9.0, regular=False, declared=date(2020, 8, 21)),
    ]
    assert expected_dividends(QUARTERLY + planted, [date(2020, 9, 4)], day, LAST_EXPIRY) == without
    assert expected_dividends(QUARTERLY + planted, [], date(2020, 8, 21), LAST_EXPIRY) != without


def test_the_last_regular_dividend_is_projected_at_its_period():
    expected = expected_dividends(QUARTERLY, [], date(2020, 8, 20), LAST_EXPIRY)
    assert expected == [(date(2020, 11, 10), 0.5), (date(2021, 2, 10), 0.5), (date(2021, 5, 10), 0.5)]
    raised = [*QUARTERLY, Dividend(date(2020, 11, 12), 0.6, regular=True, declared=date(2020, 8, 19))]
    expected = expected_dividends(raised, [], date(2020, 8, 20), LAST_EXPIRY)  # declared, then projected from there
    assert expected == [(date(2020, 11, 12), 0.6), (date(2021, 2, 12), 0.6), (date(2021, 5, 12), 0.6)]


@pytest.mark.parametrize(
    ("months", "following"), [(1, date(2021, 1, 31)), (3, date(2021, 3, 31)), (6, date(2021, 6, 30))]
)
def test_periods_are_told_by_the_gaps(months, following):
    last = date(2020, 12, 31)
    before = {1: date(2020, 11, 30), 3: date(2020, 9, 29), 6: date(2020, 7, 2)}[months]
    history = [Dividend(day, 1.0, regular=True) for day in (before, last)]
    assert expected_dividends(history, [], last, LAST_EXPIRY)[0] == (following, 1.0)


def test_nothing_is_projected_from_one_dividend_a_special_one_a_stopped_payer_or_across_a_split():
    day = date(2020, 8, 20)
    assert expected_dividends(QUARTERLY[-1:], [], day, LAST_EXPIRY) == []
    specials = [Dividend(each.ex_date, 1.0, regular=False) for each in QUARTERLY]
    assert expected_dividends(specials, [], day, LAST_EXPIRY) == []
    assert expected_dividends(QUARTERLY, [], date(2021, 1, 15), LAST_EXPIRY) == []  # 158 days since the last
    assert expected_dividends(QUARTERLY, [date(2020, 8, 20)], day, LAST_EXPIRY) == []
    assert len(expected_dividends(QUARTERLY, [date(2020, 8, 1), date(2020, 8, 21)], day, LAST_EXPIRY)) == 3


def test_a_late_dividend_is_expected_the_next_day():
    expected = expected_dividends(QUARTERLY, [], date(2020, 11, 16), date(2021, 3, 1))
    assert expected == [(date(2020, 11, 17), 0.5), (date(2021, 2, 10), 0.5)]


def slices_of(symbol, quote_time, *expiries):
    tau = [(expiry - quote_time).total_seconds() / (365 * 86400) for expiry in expiries]
    return pl.DataFrame({"symbol": symbol, "quote_time": quote_time, "expiry": expiries, "time_to_maturity": tau})


def test_present_values_by_hand(tmp_path):
    """Two declared dividends of 1 and 2, 72 and 145 days away; zero rates of 5 % and 10 % to the two expiries."""
    table = read(
        tmp_path,
        "101,2020-03-17,1,2020-03-14,1.0,2020-01-01,1,USD,0",
        "101,2020-05-27,1,2020-05-26,2.0,2020-01-01,5,,0",
    )
    slices = slices_of("101", datetime(2020, 1, 2, 16), datetime(2020, 4, 17, 16), datetime(2020, 6, 19, 16))
    tau = slices["time_to_maturity"].to_numpy()
    discount = np.exp(-np.array([0.05, 0.10]) * tau)
    first = 1.0 * np.exp(-0.05 * 72 / 365)
    second = 1.0 * np.exp(-0.10 * 72 / 365) + 2.0 * np.exp(-0.10 * 145 / 365)
    assert present_dividends(table, slices, discount, np.array([0, 1])) == pytest.approx([first, second], rel=1e-14)
    assert present_dividends(table, slices, discount, np.array([1])) == pytest.approx([0.0, second], rel=1e-14)


def test_rows_that_are_no_cash_in_dollars_are_left_out(tmp_path):
    rows = [
        "7,,1,2020-03-14,1.0,2020-01-01,2,USD,0",  # a split
        "7,,2,2020-03-14,1.0,2020-01-01,6,USD,0",  # a spin-off
        "7,,3,2020-03-14,1.0,2020-01-01,1,CAD,0",
        "7,,4,2020-03-14,1.0,2020-01-01,1,USD,1",  # cancelled
        "7,,5,2020-03-14,-99.99,2020-01-01,1,USD,0",
        "7,2020-03-16,6,,1.0,2020-01-01,1,USD,0",
    ]
    table = read(tmp_path, *rows, *rows)
    assert table.dividends == {}
    assert set(table.splits["7"]) == {date(2020, 3, 14)}
    kept = "7.0,,7,2020-03-14,0.25,2020-01-01,1.0,,"
    assert read(tmp_path, *rows, kept, kept).dividends == {
        "7": [Dividend(date(2020, 3, 14), 0.25, regular=True, declared=date(2020, 1, 1))]
    }


def test_without_declarations_a_dividend_is_known_on_its_ex_date(tmp_path):
    header = "secid,record_date,ex_date,amount,distr_type"
    table = read(tmp_path, "7,2020-03-16,2020-03-13,0.25,1", header=header)
    assert table.dividends["7"] == [Dividend(date(2020, 3, 13), 0.25, regular=True)]
    assert expected_dividends(table.dividends["7"], [], date(2020, 3, 12), date(2020, 6, 19)) == []


def test_a_ticker_is_the_security_that_bears_it_on_the_day(tmp_path):
    """Ticker AA passes from 7 to 8 in 2016, as 7 becomes ARNC."""
    rows = ("7,1996-01-01,AA", "7,2016-11-01,ARNC", "8,2016-11-01,AA")
    names = write(tmp_path, *rows, name="secnmd.csv", header="secid,effect_date,ticker")
    table = read(tmp_path, "7,,1,2020-03-14,1.0,,1,USD,0", names=str(names))
    assert table.secid("AA", date(2016, 10, 31)) == "7"
    assert table.secid("AA", date(2016, 11, 1)) == "8"
    assert table.secid("ARNC", date(2016, 11, 1)) == "7"
    assert table.secid("9", date(2016, 11, 1)) == "9"
    with pytest.raises(DataError, match=r"security_names must name the security of every symbol .* ARNC on 2016-10-31"):
        table.secid("ARNC", date(2016, 10, 31))


@pytest.mark.parametrize(
    ("row", "header", "message"),
    [
        ("7,,1,2020-03-14,some,,1,USD,0", HEADER, "row 1: column amount must hold a number, got some"),
        ("7,,1,14/03/2020,1.0,,1,USD,0", HEADER, "row 1: column ex_date must hold a date, got 14/03/2020"),
        ("7,2020-03-14,1.0", "secid,ex_date,amount", "got none named distr_type"),
    ],
)
def test_bad_files_are_refused_in_a_sentence(tmp_path, row, header, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, row, header=header)


def test_keys_that_do_not_go_together_are_refused(tmp_path):
    assert read_distributions(Forwards()) is None
    with pytest.raises(DataError, match=r"security_names needs distributions, got none"):
        read_distributions(Forwards(security_names="names.csv"))
    with pytest.raises(DataError, match=r"surfaces\.forwards\.distributions must name a file"):
        read_distributions(Forwards(distributions=str(tmp_path / "absent.csv")))
