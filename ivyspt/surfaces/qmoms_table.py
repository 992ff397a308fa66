"""Standardised surfaces that the Python package qmoms ships: five stocks, 250 days of 2023, 54 points each.

A surface table, not quotes: vols at fixed deltas and maturities, smoothed by the vendor; there is no bid or ask.
Source: Vilkov, https://github.com/vilkovgr/qmoms (MIT); read from the installed package.
"""

from datetime import time
from importlib.resources import files

import numpy as np
import polars as pl

from ivyspt.columns import POINTS, REJECTIONS, TIME, DataError, check
from ivyspt.config import Data, Section, Surfaces
from ivyspt.quotes.dates import bounds_of
from ivyspt.quotes.options import options_of

YEAR = 365.0  # days: ACT/365


class Options(Section):
    """The adapter's own keys."""

    names: dict[str, str]  # identifier in the table -> symbol
    quote_time: time = time(16)  # exchange-local


def read_file(name: str) -> pl.DataFrame:
    """One of the package's tables: `surface`, `zerocd` or `returns`."""
    return pl.read_csv(files("qmoms").joinpath("data", f"{name}.csv").read_bytes(), try_parse_dates=True)


def read_zero_curve() -> pl.DataFrame:
    """Zero rates as `date`, `days` (to maturity) and `rate` (continuously compounded, annualised decimal)."""
    # the file holds percent: qmoms.load_rate_csv divides by 100 by default
    return read_file("zerocd").with_columns(pl.col("rate") / 100)


def read(data: Data, surfaces: Surfaces) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The study's points and, by date, symbol and reason, the rows that were dropped."""
    return tabulate(read_file("surface"), read_zero_curve(), data, surfaces)


def tabulate(
    table: pl.DataFrame, zero_curve: pl.DataFrame, data: Data, surfaces: Surfaces
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Turn a vendor's surface table into points.

    Parameters
    ----------
    table : polars.DataFrame
        Columns `id`, `date`, `k` (strike), `impl_volatility` (decimal), `delta` (percent), `f` (forward) and `days`.
    zero_curve : polars.DataFrame
        Columns `date`, `days` and `rate`; discount factors come from it.
    data, surfaces : Section
        Which symbols and days are kept; how many points and expiries make a surface.

    Returns
    -------
    points, rejections : polars.DataFrame
        Tables POINTS and REJECTIONS.

    Raises
    ------
    DataError
        Nothing is left, or one delta of one maturity has two vols.
    """
    options = options_of(data, Options)
    rows = _select(_name(table, options), data)
    rows, bad_rows = _drop(rows, _row_reason(rows))
    _refuse_conflicts(rows)
    rows, bad_surfaces = _drop(rows, _surface_reason(rows, surfaces))
    if rows.is_empty():
        raise DataError(f"{data.label}: at least one surface must be left, got none of {table.height} rows")
    rejections = pl.concat([bad_rows, bad_surfaces]).group_by(REJECTIONS.key, maintain_order=True).len("quotes")
    points = _points(rows, zero_curve, options)
    return check(points, POINTS, data.label), check(rejections.sort(REJECTIONS.key), REJECTIONS, data.label)


def _name(table: pl.DataFrame, options: Options) -> pl.DataFrame:
    identifier = pl.col("id").cast(pl.String)
    symbol = identifier.replace_strict(options.names, default=None, return_dtype=pl.String)
    numbers = ["k", "impl_volatility", "delta", "f", "days"]
    return table.with_columns(
        symbol.fill_null(identifier).alias("symbol"),
        symbol.is_not_null().alias("named"),
        pl.col("date").cast(pl.Date),
        pl.col(numbers).cast(pl.Float64).fill_nan(None),
    )


def _select(rows: pl.DataFrame, data: Data) -> pl.DataFrame:
    if data.symbols is not None:
        rows = rows.filter(pl.col("symbol").is_in(data.symbols))
    rows = rows.filter(pl.col("date").is_between(*bounds_of(data)))
    if data.max_symbols is not None:
        rows = rows.filter(pl.col("symbol").is_in(rows["symbol"].unique().sort().head(data.max_symbols).implode()))
    if data.max_days is not None:
        rows = rows.filter(pl.col("date").is_in(rows["date"].unique().sort().head(data.max_days).implode()))
    return rows


def _row_reason(rows: pl.DataFrame) -> pl.Series:
    """Why a row cannot be used, null where it can."""
    values = ["k", "impl_volatility", "delta", "f", "days"]
    reason = (
        pl.when(~pl.col("named"))
        .then(pl.lit("unnamed"))
        .when(pl.any_horizontal(pl.col(values).is_null() | pl.col(values).is_infinite()))
        .then(pl.lit("value_missing"))
        .when(pl.col("impl_volatility") <= 0)
        .then(pl.lit("implied_vol_not_positive"))
        .when((pl.col("k") <= 0) | (pl.col("f") <= 0))
        .then(pl.lit("strike_or_forward_not_positive"))
        .when(pl.col("days") <= 0)
        .then(pl.lit("expired"))
        .when(~pl.struct("id", "date", *values).is_first_distinct())
        .then(pl.lit("repeated_row"))
    )
    return rows.select(reason.alias("reason")).to_series()


def _surface_reason(rows: pl.DataFrame, surfaces: Surfaces) -> pl.Series:
    surface = ["symbol", "date"]
    few_points = pl.len().over(surface) < surfaces.min_points
    few_expiries = pl.col("days").n_unique().over(surface) < surfaces.min_expiries
    return rows.select(pl.when(few_points | few_expiries).then(pl.lit("surface_small"))).to_series()


def _drop(rows: pl.DataFrame, reason: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    dropped = rows.select("date", "symbol").with_columns(reason.alias("reason")).filter(reason.is_not_null())
    return rows.filter(reason.is_null()), dropped


def _refuse_conflicts(rows: pl.DataFrame) -> None:
    key = ["symbol", "date", "days", "delta"]
    twice = rows.filter(pl.struct(key).is_duplicated())
    if twice.height:
        raise DataError(
            f"a delta of one maturity must have one vol, got {twice.height} rows that share theirs, "
            f"first {twice.select(key).row(0, named=True)}"
        )


def _points(rows: pl.DataFrame, zero_curve: pl.DataFrame, options: Options) -> pl.DataFrame:
    quote_time = pl.col("date").cast(TIME) + pl.duration(
        hours=options.quote_time.hour, minutes=options.quote_time.minute
    )
    rows = rows.with_columns(
        quote_time.alias("quote_time"),
        (pl.col("k") / pl.col("f")).log().alias("log_moneyness"),
        (pl.col("days") / YEAR).alias("time_to_maturity"),
        pl.Series("discount_factor", _discount_factor(rows, zero_curve)),
    )
    rows = rows.with_columns(
        # ASSUME options expire at the quote's time of day: a maturity of 30 days is 30/365 years
        (pl.col("quote_time") + pl.duration(days=pl.col("days"))).alias("expiry"),
        pl.format("{}_{}", "symbol", pl.col("quote_time").dt.strftime("%Y-%m-%dT%H:%M")).alias("surface_id"),
    ).sort("quote_time", "symbol", "time_to_maturity", "log_moneyness", "delta")
    # the -50 and +50 delta points of a maturity are near twins, their order at times inverted: masked together
    twin = pl.when(pl.col("delta").abs() == 50).then(pl.lit(50.0)).otherwise(pl.col("delta"))
    rows = rows.with_columns(pl.int_range(pl.len()).over("surface_id").cast(pl.UInt32).alias("point"))
    rows = rows.with_columns(pl.col("point").first().over("surface_id", "days", twin).alias("mask_group"))
    return rows.rename({"k": "strike", "f": "forward", "impl_volatility": "implied_vol"})


def _discount_factor(rows: pl.DataFrame, zero_curve: pl.DataFrame) -> np.ndarray:
    """exp(-rate * tau), the rate linear in maturity on the latest curve that is no later than the row's date."""
    curves = {date: curve.sort("days") for (date,), curve in zero_curve.group_by("date")}
    known = np.array(sorted(curves), dtype="datetime64[D]")
    latest = np.searchsorted(known, rows["date"].to_numpy().astype("datetime64[D]"), side="right") - 1
    days = rows["days"].to_numpy()
    rate = np.full(rows.height, np.nan)
    for position in np.unique(latest[latest >= 0]):
        curve, here = curves[known[position].item()], latest == position
        rate[here] = np.interp(days[here], curve["days"].to_numpy(), curve["rate"].to_numpy())
    factor = np.exp(-rate * days / YEAR)
    return pl.Series(factor, nan_to_null=True)
