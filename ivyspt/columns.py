"""The tables that stages exchange: names, types and keys of their columns, checked where a table enters.

Units: vols are annualised decimals; `log_moneyness` is log(strike / forward); `time_to_maturity` is in years, ACT/365
to the minute; times are exchange-local and carry no zone; prices are in the quote's currency.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

TIME = pl.Datetime("us")


class DataError(ValueError):
    """Data break a rule: the message says what must hold, what came, and where."""


def listed(names: Iterable[str]) -> str:
    """Names of columns as a message of one line gives them: what cannot be printed is escaped."""
    return ", ".join(name if name.isprintable() else repr(name) for name in names)


@dataclass(frozen=True)
class Table:
    """A table's required columns and the columns that identify a row."""

    name: str
    columns: dict[str, pl.DataType]
    key: tuple[str, ...]
    optional: frozenset[str] = frozenset()  # columns that may be null or absent


QUOTES = Table(
    "quotes",
    {
        "quote_time": TIME,
        "symbol": pl.String,
        "root": pl.String,  # option root: weeklies and AM-settled series of one expiry date differ in it
        "expiry": TIME,
        "strike": pl.Float64,
        "option_type": pl.String,  # "call" or "put"
        "bid": pl.Float64,
        "ask": pl.Float64,
        "mark": pl.Float64,  # the price where a vendor has no bid and ask
        "underlying_price": pl.Float64,
        "volume": pl.Float64,
        "open_interest": pl.Float64,
        "vendor_implied_vol": pl.Float64,
        "settlement": pl.String,  # "am" or "pm"
        "exercise": pl.String,  # "european" or "american"
        "last_trade_time": TIME,
    },
    ("quote_time", "symbol", "root", "expiry", "strike", "option_type"),
    frozenset(
        {"bid", "ask", "mark", "underlying_price", "volume", "open_interest", "vendor_implied_vol", "last_trade_time"}
    ),
)

POINTS = Table(
    "points",
    {
        "surface_id": pl.String,  # symbol and quote time
        "quote_time": TIME,
        "symbol": pl.String,
        "expiry": TIME,
        "strike": pl.Float64,
        "log_moneyness": pl.Float64,
        "time_to_maturity": pl.Float64,
        "implied_vol": pl.Float64,  # at the mid
        "implied_vol_bid": pl.Float64,
        "implied_vol_ask": pl.Float64,
        "forward": pl.Float64,
        "discount_factor": pl.Float64,
        "point": pl.UInt32,  # number within the surface, by time to maturity, then log-moneyness
        "mask_group": pl.UInt32,  # points of one group are shown or hidden together
    },
    ("surface_id", "point"),
    frozenset({"implied_vol_bid", "implied_vol_ask", "discount_factor"}),
)

# points of the tiers' symbols; `visible` is false for what no method may ever be shown
TIERED_POINTS = Table(
    "tiered points", {**POINTS.columns, "tier": pl.String, "visible": pl.Boolean}, POINTS.key, POINTS.optional
)

REJECTIONS = Table(
    "rejections",
    {"date": pl.Date, "symbol": pl.String, "reason": pl.String, "quotes": pl.UInt32},
    ("date", "symbol", "reason"),
)

MARKET_FEATURES = Table(
    "market features",
    {
        "surface_id": pl.String,
        "market_return": pl.Float64,  # daily, decimal
        "market_vol": pl.Float64,  # annualised decimal (VIX / 100)
        "treasury_rate": pl.Float64,  # annualised decimal
    },
    ("surface_id",),
    frozenset({"market_return", "market_vol", "treasury_rate"}),
)

TIERS = Table("tiers", {"symbol": pl.String, "tier": pl.String, "median_points": pl.Float64}, ("symbol",))

SPLIT = Table(
    "split",
    {"partition": pl.UInt32, "date": pl.Date, "split": pl.String},  # train, validation, test, purged or embargoed
    ("date",),
)

# one row a point and mask; a point of neither role does not appear
MASKS = Table(
    "masks",
    {"mask": pl.String, "surface_id": pl.String, "point": pl.UInt32, "role": pl.String},  # context or target
    ("mask", "surface_id", "point"),
)

LEVELS = (90, 50)  # percent, of intervals
INTERVALS = tuple(f"iv_{side}_{level}" for level in LEVELS for side in ("low", "high"))

PREDICTIONS = Table(
    "predictions",
    {
        "run": pl.String,
        "seed": pl.UInt32,
        "mask": pl.String,
        "surface_id": pl.String,
        "symbol": pl.String,
        "tier": pl.String,
        "quote_time": TIME,
        "set": pl.String,  # "target": quoted points; "audit": nodes of the audit grid
        "point": pl.UInt32,  # of the surface, or of the audit grid
        "log_moneyness": pl.Float64,
        "time_to_maturity": pl.Float64,
        "implied_vol_bid": pl.Float64,
        "implied_vol": pl.Float64,
        "implied_vol_ask": pl.Float64,
        "implied_vol_fitted": pl.Float64,  # null: the method could not answer
        **dict.fromkeys(INTERVALS, pl.Float64),  # null for a method that says nothing of its error
        "total_variance": pl.Float64,
        "w_k": pl.Float64,
        "w_kk": pl.Float64,
        "w_tau": pl.Float64,
        "durrleman_g": pl.Float64,
        "w_k_difference": pl.Float64,  # by central differences in float64; audit nodes only
        "w_kk_difference": pl.Float64,
        "w_tau_difference": pl.Float64,
        "inside_hull": pl.Boolean,  # of the context, in (standardised moneyness, log maturity)
    },
    ("run", "seed", "mask", "surface_id", "set", "point"),
    frozenset(
        {"implied_vol_bid", "implied_vol", "implied_vol_ask", "implied_vol_fitted", "total_variance"}
        | {*INTERVALS, "w_k", "w_kk", "w_tau", "durrleman_g", "w_k_difference", "w_kk_difference", "w_tau_difference"}
    ),
)


def check(frame: pl.DataFrame, table: Table, where: str | Path) -> pl.DataFrame:
    """Return `frame` with the table's columns in order and of its types.

    Optional columns that are absent become null; other columns are dropped.

    Raises
    ------
    DataError
        A required column is missing or null, a type does not convert, a number is not finite, or a key appears twice.
    """
    missing = [name for name in table.columns if name not in frame.columns and name not in table.optional]
    if missing:
        raise DataError(f"{where}: {table.name} must have the column {missing[0]}, got {listed(frame.columns)}")
    columns = []
    for name, dtype in table.columns.items():
        column = frame[name] if name in frame.columns else pl.Series(name, [None] * frame.height, dtype=dtype)
        try:
            column = column.cast(dtype)
        except pl.exceptions.PolarsError as error:
            first = next((v for v in column.to_list() if v is not None and not _converts(v, dtype)), None)
            raise DataError(f"{where}: column {name} must hold {dtype} values, got {first!r}") from error
        if dtype == pl.Float64:
            bad = (column.is_nan() | column.is_infinite()).fill_null(False)
            if bad.any():
                row = bad.arg_max()
                raise DataError(f"{where}: column {name} must be finite, got {column[row]} in row {row}")
        if name not in table.optional and column.null_count():
            row = column.is_null().arg_max()
            raise DataError(
                f"{where}: column {name} must not be empty, got {column.null_count()} empty, first row {row}"
            )
        columns.append(column)
    checked = pl.DataFrame(columns)
    twice = checked.select(pl.struct(table.key).is_duplicated()).to_series()
    if twice.any():
        row = twice.arg_max()
        raise DataError(
            f"{where}: {', '.join(table.key)} must identify a row of {table.name}, "
            f"got {twice.sum()} rows that share theirs, first {checked.row(row, named=True)}"
        )
    return checked


def _converts(value, dtype: pl.DataType) -> bool:
    try:
        pl.Series([value]).cast(dtype)
    except pl.exceptions.PolarsError:
        return False
    return True
