"""OptionMetrics IvyDB's zero curve: continuously compounded rates in percent, by date and days to maturity."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float

from ivyspt.columns import DataError
from ivyspt.quotes.ivydb_tables import read_table

DAYS_PER_YEAR = 365  # ACT/365, like times to maturity
COLUMNS = {"date": "date", "days": "number", "rate": "number"}


@dataclass(frozen=True)
class ZeroCurve:
    """Zero rates by date; each date has its own maturities.

    `rates` has columns date, tau (years) and rate (annualised, continuous), and one row a date and maturity, in order.
    """

    rates: pl.DataFrame

    def rate(self, date: pl.Series, tau: Float[np.ndarray, " slice"]) -> Float[np.ndarray, " slice"]:
        """Zero rate at `tau` by the last curve before each date; linear in maturity, flat beyond the curve's ends.

        The curve of the quote's own date is built from closing prices, so it is not looked at. Linear interpolation of
        rates is the vendor's own (IvyDB File and Data Reference Manual, Interest Rates).

        Raises
        ------
        DataError
            The curve begins after the first date.
        """
        dates, knots, rates = (self.rates[name].to_numpy() for name in ("date", "tau", "rate"))
        end = np.searchsorted(dates, date.to_numpy(), side="left")  # rows before it are of earlier dates
        if end.size and end.min() == 0:
            raise DataError(f"the zero curve must begin before the first quote, got {dates[0]}, {date.min()}")
        found = np.empty(tau.size)
        for last in np.unique(end):
            first = np.searchsorted(dates, dates[last - 1], side="left")
            at = end == last
            found[at] = np.interp(tau[at], knots[first:last], rates[first:last])
        return found


def read_zero_curve(path: str) -> ZeroCurve:
    """The table that the vendor calls zero curve: columns date, days (calendar, positive) and rate (percent).

    Raises
    ------
    DataError
        The file does not parse, or has a day without a date or maturity, or two rates for one.
    """
    rows = read_table(path, "surfaces.forwards.zero_curve", COLUMNS)
    whole = (pl.col("days") > 0) & pl.col("date").is_not_null()
    bad = rows.filter(~whole.fill_null(False))
    if bad.height:
        raise DataError(f"{path}: a rate must have a date and positive days, got {bad['date'][0]} and {bad['days'][0]}")
    rows = rows.select(list(COLUMNS)).unique().drop_nulls().sort("date", "days")
    if not rows.height:
        raise DataError(f"{path}: must hold a rate, got none")
    twice = rows.filter(pl.struct("date", "days").is_duplicated())
    if twice.height:
        raise DataError(
            f"{path}: a maturity must have one rate a date, got several for {twice['days'][0]:g} days on "
            f"{twice['date'][0]}"
        )
    return ZeroCurve(rows.select("date", tau=pl.col("days") / DAYS_PER_YEAR, rate=pl.col("rate") / 100))
