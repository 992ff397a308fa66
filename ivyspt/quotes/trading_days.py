"""The exchange's calendar: open days, early closes, and when options settle.

Closed days are those of QuantLib's calendar of the New York Stock Exchange. Times are exchange-local.
"""

from datetime import date, datetime, time, timedelta
from functools import lru_cache

import polars as pl
import QuantLib

PM_SETTLEMENT = time(16, 0)
AM_SETTLEMENT = time(9, 30)
EARLY_CLOSE = timedelta(hours=3)  # a close at 13:00 instead of 16:00
SATURDAY_EXPIRIES = date(1973, 4, 26), date(2015, 2, 1)  # listed options began; standard ones expire on Fridays since
NYSE = QuantLib.UnitedStates(QuantLib.UnitedStates.NYSE)
FIRST, LAST = date(1971, 1, 1), date(2199, 12, 31)  # that QuantLib's dates cover


@lru_cache(maxsize=100_000)
def is_open(day: date) -> bool:
    """Whether the exchange trades on a day; days outside 1971 to 2199 count as closed."""
    return FIRST <= day <= LAST and NYSE.isBusinessDay(QuantLib.Date(day.day, day.month, day.year))


@lru_cache(maxsize=100_000)
def early_close(day: date) -> timedelta:
    """How much before 16:00 the exchange closes: three hours on 24 December, 3 July and the day after Thanksgiving."""
    # ASSUME today's rule for every year; before 2013 a Wednesday 3 July was a whole day and Friday 5 July was not.
    after_thanksgiving = day.month == 11 and day.weekday() == 4 and 23 <= day.day <= 29
    eve = (day.month, day.day) in {(12, 24), (7, 3)}
    return EARLY_CLOSE if is_open(day) and (after_thanksgiving or eve) else timedelta(0)


def last_trading_day(expiry: date) -> date | None:
    """The day on which options of a listed expiry date settle, None where the exchange is closed on it.

    A Saturday before February 2015 stands for the last open day before it: standard options then expired on the
    Saturday after the third Friday.
    """
    day = expiry
    if expiry.weekday() == 5 and SATURDAY_EXPIRIES[0] < expiry < SATURDAY_EXPIRIES[1]:
        while not is_open(day):
            day -= timedelta(days=1)
    return day if is_open(day) else None


@lru_cache(maxsize=1)
def monthly_expiries() -> list[date]:
    """Dates that vendors list for standard monthly options: third Fridays, the open day before where the exchange is
    closed on them, and until 2015 the Saturdays after.
    """
    expiries = []
    for year in range(SATURDAY_EXPIRIES[0].year, LAST.year + 1):
        for month in range(1, 13):
            first = date(year, month, 1)
            friday = first + timedelta(days=(4 - first.weekday()) % 7 + 14)
            expiries.append(friday if is_open(friday) else friday - timedelta(days=1))
            if friday < SATURDAY_EXPIRIES[1]:
                expiries.append(friday + timedelta(days=1))
    return expiries


def settlement_times(expiries: list[date], checked: bool) -> pl.DataFrame:
    """Columns expiry_date, am and pm: when options of each expiry date settle, null on closed days.

    Without the calendar (`checked` false) every day is open and closes at 16:00.
    """
    days = [last_trading_day(day) if checked else day for day in expiries]
    closes = [early_close(day) if checked and day else timedelta(0) for day in days]
    return pl.DataFrame(
        {
            "expiry_date": expiries,
            "am": [day and datetime.combine(day, AM_SETTLEMENT) for day in days],
            "pm": [
                day and datetime.combine(day, PM_SETTLEMENT) - close for day, close in zip(days, closes, strict=True)
            ],
        },
        schema={"expiry_date": pl.Date, "am": pl.Datetime("us"), "pm": pl.Datetime("us")},
    )


def quote_days(days: list[date], checked: bool) -> pl.DataFrame:
    """Columns quote_date, open (whether the exchange trades) and early (how much before 16:00 it closes)."""
    return pl.DataFrame(
        {
            "quote_date": days,
            "open": [is_open(day) if checked else True for day in days],
            "early": [early_close(day) if checked else timedelta(0) for day in days],
        },
        schema={"quote_date": pl.Date, "open": pl.Boolean, "early": pl.Duration("us")},
    )
