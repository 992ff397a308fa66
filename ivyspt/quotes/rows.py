"""Which rows of a vendor's table are no quotes: each is dropped for one reason, and counted."""

from collections.abc import Callable, Iterable

import polars as pl

from ivyspt.columns import QUOTES, REJECTIONS, DataError
from ivyspt.quotes.column_map import ColumnMap
from ivyspt.quotes.files import one_line
from ivyspt.quotes.trading_days import quote_days, settlement_times

PRICES = ("bid", "ask", "mark")


def with_times(rows: pl.DataFrame, mapping: ColumnMap) -> pl.DataFrame:
    """Rows with quote_time, expiry (date and time), settlement, exercise and every other canonical column.

    The expiry is null where no option can settle on the listed date; `open` says whether the exchange trades on the
    quote's day.
    """
    checked = mapping.calendar == "nyse"
    days = quote_days(rows["quote_date"].unique().sort().to_list(), checked)
    expiries = settlement_times(rows["expiry"].unique().sort().to_list(), checked)
    index = pl.col("symbol").is_in(mapping.index_symbols)
    clock = (
        pl.when(index).then(_since_midnight(mapping.index_quote_time)).otherwise(_since_midnight(mapping.quote_time))
    )
    absent = [pl.lit(None, dtype=t).alias(n) for n, t in QUOTES.columns.items() if n not in rows.columns]
    am = pl.col("settlement").fill_null(
        pl.when(pl.col("root").is_in(mapping.am_roots)).then(pl.lit("am")).otherwise(pl.lit("pm"))
    )
    european = pl.when(index).then(pl.lit("european")).otherwise(pl.lit("american"))
    return (
        rows.with_columns(absent)
        .rename({"expiry": "expiry_date"})
        .join(days, on="quote_date", how="left", maintain_order="left")
        .join(expiries, on="expiry_date", how="left", maintain_order="left")
        .with_columns(
            quote_time=pl.col("quote_time").fill_null(
                pl.col("quote_date").cast(pl.Datetime("us")) + clock - pl.col("early")
            ),
            settlement=am,
            exercise=pl.col("exercise").fill_null(european),
        )
        .with_columns(expiry=pl.when(pl.col("settlement") == "am").then("am").otherwise("pm"))
    )


def _since_midnight(time_of_day: str) -> pl.Expr:
    hours, minutes = time_of_day.split(":")
    return pl.duration(hours=int(hours), minutes=int(minutes), time_unit="us")


def reasons() -> pl.Expr:
    """The first reason for which a row is no quote, null where there is none."""
    two_sided = pl.col("bid").is_not_null() & pl.col("ask").is_not_null()
    return pl.coalesce(
        pl.col("reason"),
        pl.when(~(pl.col("strike") > 0).fill_null(False)).then(pl.lit("strike_not_positive")),
        pl.when(~pl.col("open")).then(pl.lit("quoted_on_closed_day")),
        pl.when(pl.col("expiry").is_null()).then(pl.lit("expiry_on_closed_day")),
        pl.when(pl.col("expiry") <= pl.col("quote_time")).then(pl.lit("expired")),
        pl.when((pl.col("underlying_price") <= 0).fill_null(False)).then(pl.lit("underlying_not_positive")),
        pl.when(pl.any_horizontal((pl.col(name) < 0).fill_null(False) for name in PRICES)).then(
            pl.lit("price_negative")
        ),
        pl.when(~pl.any_horizontal((pl.col(n) > 0).fill_null(False) for n in ("ask", "mark"))).then(
            pl.lit("price_missing")
        ),
        pl.when(pl.col("mark").is_null() & ~two_sided).then(pl.lit("one_sided")),
    )


def counted(dropped: pl.DataFrame) -> pl.DataFrame:
    """Dropped rows (quote_date, symbol, reason) as counts by day, symbol and reason, sorted by them."""
    counts = dropped.group_by(pl.col("quote_date").alias("date"), "symbol", "reason").agg(pl.len().alias("quotes"))
    return counts.cast(REJECTIONS.columns).select(*REJECTIONS.columns).sort(*REJECTIONS.key)


ORDER = ("symbol", *[name for name in QUOTES.key if name != "symbol"])


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows sorted by the key of quotes, symbol first; rows of one key stay in order."""
    ranks = [
        pl.col(name).cast(pl.Enum(rows[name].unique().sort())).alias(name) for name in ("symbol", "root", "option_type")
    ]
    keys = rows.select(ORDER).with_columns(ranks)  # sorting numbers costs a third less than text
    return rows[keys.select(pl.arg_sort_by(ORDER, maintain_order=True)).to_series()]


def without_repeats(rows: pl.DataFrame, place: Callable[[dict], str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Ordered rows without repeated ones, and the repeats, whose reason is `repeated_row`; `place` names a row's place.

    Raises
    ------
    DataError
        Two rows quote one contract at one time and differ.
    """
    same_key = _as_before(rows, ORDER)
    if not same_key.any():
        return rows, rows.clear()
    differing = same_key & ~_as_before(rows, QUOTES.columns)
    if differing.any():
        number = differing.arg_max()
        one, other = rows.row(number - 1, named=True), rows.row(number, named=True)
        unlike = next(name for name in QUOTES.columns if one[name] != other[name])
        contract = ", ".join(f"{name} {one[name]}" for name in ORDER)
        raise DataError(
            f"{place(one)} and {place(other)}: a contract must have one quote a time, "
            f"got {unlike} {one[unlike]} and {other[unlike]} for {one_line(contract)}"
        )
    return rows.filter(~same_key), rows.filter(same_key).with_columns(reason=pl.lit("repeated_row"))


def _as_before(rows: pl.DataFrame, columns: Iterable[str]) -> pl.Series:
    """Whether a row equals the one before it in some columns."""
    equal = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in columns)
    return rows.select(equal & (pl.int_range(pl.len()) > 0)).to_series()
