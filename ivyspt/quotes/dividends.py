"""Cash dividends that a day knows or lets expect, by OptionMetrics IvyDB's distributions.

The table is of today: a row counts from its declaration on, or from its ex-date where the vendor has no declaration.
What is not declared yet is projected from the last regular dividend. Index yields stand in another table and are not
read.

The codes of `distr_type` are not checked against the vendor's manual (IvyDB US File and Data Reference Manual, section
"Distribution File"), which is for its clients alone. Public code that queries the table agrees on 1, 2 and 3: 1 is the
regular dividend (AAPL has four in 2019), 2 and 3 are what adjusts the number of shares. Of 4 and 5 it says only that
both count as dividends; capital gain and special dividend are from memory. It also counts a code % as a dividend, whose
meaning it does not tell: not read here.
"""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from ivyspt.columns import DataError
from ivyspt.config import Forwards
from ivyspt.quotes.ivydb_tables import read_table
from ivyspt.quotes.zero_curve import DAYS_PER_YEAR

COLUMNS = {
    "secid": "code",
    "ex_date": "date",
    "amount": "number",
    "distr_type": "code",
    "declare_date": "date",
    "seq_num": "code",
    "currency": "code",
    "cancel_flag": "code",
}
REGULAR = "1"
CASH = (REGULAR, "4", "5")  # regular dividends; capital gains of funds and special dividends, both unverified
SPLITS = ("2", "3")  # splits and stock dividends
NOT_CANCELLED = ("0", "N", "F", "FALSE")
PERIODS = (1, 3, 6, 12)  # months between regular dividends
DAYS_PER_MONTH = 365.25 / 12
RECENT = 5  # regular dividends whose gaps tell the period
LATE = 1.5  # periods since the last regular dividend after which the payer counts as having stopped


@dataclass(frozen=True)
class Dividend:
    """Cash a share (USD) on its ex-date; `declared` is None where the vendor has no declaration."""

    ex_date: date
    amount: float
    regular: bool
    declared: date | None = None


@dataclass(frozen=True)
class Distributions:
    """Dividends and ex-dates of splits by secid; names in force by ticker: (first day, last day, secid)."""

    dividends: dict[str, list[Dividend]]
    splits: dict[str, list[date]]
    names: dict[str, list[tuple[date, date, str]]]

    def secid(self, symbol: str, day: date) -> str:
        """The security that a symbol stands for: the one whose ticker it is, else the symbol is a secid itself.

        Raises
        ------
        DataError
            The symbol is neither.
        """
        held = [(first, secid) for first, last, secid in self.names.get(symbol.upper(), []) if first <= day <= last]
        if held:
            return max(held)[1]  # ASSUME the latest name where two securities share a ticker
        if not symbol.isdigit():
            raise DataError(
                "surfaces.forwards.security_names must name the security of every symbol that is no secid, got none "
                f"for {symbol} on {day}"
            )
        return symbol


def expected_dividends(history: list[Dividend], splits: list[date], day: date, last: date) -> list[tuple[date, float]]:
    """Ex-date and amount of what goes ex after `day` and by `last`, as `day` knows it.

    What is declared on `day` itself may be told after the close, so it is not looked at.
    """
    known = [each for each in history if each.ex_date <= day or (each.declared is not None and each.declared < day)]
    coming = [(each.ex_date, each.amount) for each in known if day < each.ex_date <= last]
    return sorted(coming + _projected([each for each in known if each.regular], splits, day, last))


def _projected(regular: list[Dividend], splits: list[date], day: date, last: date) -> list[tuple[date, float]]:
    """Regular dividends beyond the last known one.

    ASSUME the last amount at the usual period (of 1, 3, 6, 12 months the nearest to the median of recent gaps); a
    dividend that is late by up to half a period goes ex the next day, and a later one never; one from before a split
    does not go on, since its amount is per old share. With a single dividend the period is unknown: none.
    """
    dates = sorted({each.ex_date for each in regular})
    if len(dates) < 2 or any(dates[-1] < split <= day for split in splits):
        return []
    gap = np.median([gap.days for gap in np.diff(dates[-RECENT:])])
    period = min(PERIODS, key=lambda months: abs(np.log(gap / (months * DAYS_PER_MONTH))))
    if (day - dates[-1]).days > LATE * period * DAYS_PER_MONTH:
        return []
    amount = sum(each.amount for each in regular if each.ex_date == dates[-1])
    expected, count = [], 1
    while (at := max(_months_later(dates[-1], count * period), day + timedelta(days=1))) <= last:
        expected.append((at, amount))
        count += 1
    return expected


def _months_later(start: date, months: int) -> date:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))


def present_dividends(
    distributions: Distributions,
    slices: pl.DataFrame,
    discount: Float[np.ndarray, " slice"],
    wanted: Int[np.ndarray, " row"],
) -> Float[np.ndarray, " slice"]:
    """Present value (USD a share) of the dividends that go ex after the quote and by the expiry; 0 but in `wanted`.

    `slices` holds symbol, quote_time, expiry and time_to_maturity. ASSUME that cash comes on the ex-date, and that the
    slice's zero rate holds until then.
    """
    value = np.zeros(slices.height)
    for row in wanted:
        slice_ = slices.row(int(row), named=True)
        day, last = slice_["quote_time"].date(), slice_["expiry"].date()
        secid = distributions.secid(slice_["symbol"], day)
        history, splits = distributions.dividends.get(secid, []), distributions.splits.get(secid, [])
        for ex_date, amount in expected_dividends(history, splits, day, last):
            share = (ex_date - day).days / DAYS_PER_YEAR / slice_["time_to_maturity"]  # of the slice's time
            value[row] += amount * discount[row] ** share
    return value


def read_distributions(settings: Forwards) -> Distributions | None:
    """The distributions that the settings name, and the names of their securities; None without distributions.

    Left out are rows without an ex-date or with an amount of zero or less, cancelled ones and those in other currencies
    than USD. ASSUME that a cancelled dividend was never expected: the table does not say when it was cancelled.

    Raises
    ------
    DataError
        A table does not parse, or names are given without distributions.
    """
    if settings.distributions is None:
        if settings.security_names is not None:
            raise DataError("surfaces.forwards.security_names needs distributions, got none")
        return None
    absent = ("declare_date", "seq_num", "currency", "cancel_flag")
    table = read_table(settings.distributions, "surfaces.forwards.distributions", COLUMNS, absent)
    table = table.select(list(COLUMNS)).unique().drop_nulls(["secid", "ex_date"]).sort(list(COLUMNS))
    table = table.filter(pl.col("cancel_flag").fill_null("0").is_in(NOT_CANCELLED))
    dividends: dict[str, list[Dividend]] = {}
    dollars = pl.col("currency").fill_null("USD") == "USD"
    for row in table.filter(pl.col("distr_type").is_in(CASH) & (pl.col("amount") > 0) & dollars).iter_rows(named=True):
        dividend = Dividend(row["ex_date"], row["amount"], row["distr_type"] == REGULAR, row["declare_date"])
        dividends.setdefault(row["secid"], []).append(dividend)
    splits: dict[str, list[date]] = {}
    for secid, ex_date in table.filter(pl.col("distr_type").is_in(SPLITS)).select("secid", "ex_date").iter_rows():
        splits.setdefault(secid, []).append(ex_date)
    return Distributions(dividends, splits, _read_names(settings.security_names) if settings.security_names else {})


def _read_names(path: str) -> dict[str, list[tuple[date, date, str]]]:
    """Names by ticker, each in force from its effective date to the day before the security's next one."""
    columns = {"secid": "code", "effect_date": "date", "ticker": "code"}
    table = read_table(path, "surfaces.forwards.security_names", columns).drop_nulls(["secid", "effect_date"])
    following = pl.col("effect_date").shift(-1).over("secid", order_by="effect_date")
    until = following.sub(pl.duration(days=1)).fill_null(date.max)
    names: dict[str, list[tuple[date, date, str]]] = {}
    named = table.with_columns(until=until).drop_nulls("ticker").sort("secid", "effect_date")
    for secid, first, last, ticker in named.select("secid", "effect_date", "until", "ticker").iter_rows():
        names.setdefault(ticker, []).append((first, last, secid))
    return names
