"""The exchange's calendar against days that are known."""

from datetime import date, datetime, timedelta

import pytest

from ivyspt.quotes.trading_days import (
    early_close,
    is_open,
    last_trading_day,
    monthly_expiries,
    quote_days,
    settlement_times,
)


@pytest.mark.parametrize(
    ("day", "opened"),
    [
        (date(2026, 6, 19), False),  # Juneteenth
        (date(2021, 6, 18), True),  # the year before it became a holiday of the exchange
        (date(2012, 10, 29), False),  # Sandy
        (date(2018, 12, 5), False),  # mourning for G. H. W. Bush
        (date(2026, 7, 3), False),  # Independence Day, observed
        (date(2026, 6, 18), True),
        (date(2026, 6, 20), False),
        (date(1, 1, 1), False),
        (date(9999, 12, 31), False),
    ],
)
def test_open_days(day, opened):
    assert is_open(day) is opened


def test_early_closes_are_at_one():
    early = [date(2025, 11, 28), date(2025, 12, 24), date(2025, 7, 3), date(2021, 11, 26)]
    whole = [date(2026, 7, 3), date(2025, 11, 27), date(2025, 12, 26), date(2026, 11, 20), date(2022, 12, 24)]
    assert {early_close(day) for day in early} == {timedelta(hours=3)}
    assert {early_close(day) for day in whole} == {timedelta(0)}


@pytest.mark.parametrize(
    ("listed", "settled"),
    [
        (date(2013, 6, 22), date(2013, 6, 21)),
        (date(2008, 3, 22), date(2008, 3, 20)),  # the Friday was Good Friday
        (date(2015, 1, 17), date(2015, 1, 16)),  # the last Saturday
        (date(2015, 2, 21), None),
        (date(2013, 6, 23), None),  # a Sunday
        (date(2026, 7, 17), date(2026, 7, 17)),
        (date(2015, 4, 3), None),  # Good Friday
    ],
)
def test_listed_expiries_settle_on_trading_days(listed, settled):
    assert last_trading_day(listed) == settled


def test_monthly_expiries_are_twelve_a_year_and_fall_on_open_days():
    since = [day for day in monthly_expiries() if date(2016, 1, 1) <= day < date(2026, 1, 1)]
    assert len(since) == 120
    assert all(is_open(day) for day in since)
    assert {date(2022, 4, 14), date(2026, 6, 18), date(2013, 6, 21), date(2013, 6, 22)} <= set(monthly_expiries())


def test_settlement_is_at_the_open_the_close_or_an_early_close():
    days = [date(2026, 7, 17), date(2025, 12, 24), date(2026, 7, 18)]
    rows = settlement_times(days, checked=True).rows()
    assert rows[0][1:] == (datetime(2026, 7, 17, 9, 30), datetime(2026, 7, 17, 16))
    assert rows[1][1:] == (datetime(2025, 12, 24, 9, 30), datetime(2025, 12, 24, 13))
    assert rows[2][1:] == (None, None)
    unchecked = settlement_times(days, checked=False).rows()
    assert unchecked[2][1:] == (datetime(2026, 7, 18, 9, 30), datetime(2026, 7, 18, 16))
    assert quote_days(days, checked=True)["open"].to_list() == [True, True, False]
    assert quote_days(days, checked=False)["open"].to_list() == [True, True, True]
