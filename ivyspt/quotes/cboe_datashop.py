"""Cboe DataShop's Option EOD Summary: CSV files (often zipped), a contract a row, quotes at 15:45 and at the close.

Layout: "End-Of-Day Option Quotes Specification", with and without calcs (https://datashop.cboe.com/option-eod-summary).
Index symbols bear a caret, which is taken off. Prices of 0 for the underlying and vols of 0 mean unknown. Roots that
end in a digit are contracts adjusted by a corporate action, whose deliverable is no round lot of the underlying.
"""

from collections.abc import Iterator
from typing import Literal

import polars as pl

from ivyspt.config import Data, Section
from ivyspt.quotes.column_map import AM_ROOTS, INDEX_SYMBOLS, ColumnMap
from ivyspt.quotes.files import find, sources_of
from ivyspt.quotes.options import options_of
from ivyspt.quotes.reading import Part, read_parts, together

TIMES = {"1545": ("15:45", "15:45"), "eod": ("16:00", "16:15")}  # of equities and of indices


class Options(Section):
    """The adapter's keys of the configuration."""

    snapshot: Literal["1545", "eod"] = "1545"
    index_symbols: list[str] = INDEX_SYMBOLS
    am_roots: list[str] = AM_ROOTS


def column_map(data: Data) -> ColumnMap:
    """The columns of one snapshot.

    On days that close early the 15:45 snapshot is of 12:45, as the vendor takes it since 5 February 2020.
    """
    options = options_of(data, Options)
    at = options.snapshot
    quote_time, index_quote_time = TIMES[at]
    calcs = {"vendor_implied_vol": "implied_volatility_1545"} if at == "1545" else {}
    return ColumnMap(
        columns={
            "symbol": "underlying_symbol",
            "quote_date": "quote_date",
            "root": "root",
            "expiry": "expiration",
            "strike": "strike",
            "option_type": "option_type",
            "bid": f"bid_{at}",
            "ask": f"ask_{at}",
            "underlying_bid": f"underlying_bid_{at}",
            "underlying_ask": f"underlying_ask_{at}",
            "volume": "trade_volume",
            "open_interest": "open_interest",
            **calcs,
        },
        may_be_absent=["vendor_implied_vol", "open_interest"],
        missing={"underlying_bid": 0.0, "underlying_ask": 0.0, "vendor_implied_vol": 0.0},
        quote_time=quote_time,
        index_quote_time=index_quote_time,
        index_symbols=options.index_symbols,
        am_roots=options.am_roots,
    )


def with_reasons(lazy: pl.LazyFrame) -> pl.LazyFrame:
    """Mark adjusted contracts."""
    if "root" not in lazy.collect_schema():
        return lazy  # the missing column is named where the columns are mapped
    adjusted = pl.col("root").str.contains(r"\d\s*$").fill_null(False)
    return lazy.with_columns(reason=pl.when(adjusted).then(pl.lit("adjusted_contract")))


def read_by_symbol(data: Data) -> Iterator[Part]:
    """Quotes and dropped rows, whole symbols at a time."""
    mapping = column_map(data)
    return read_parts(data, mapping, sources_of(find(data, mapping.files)), with_reasons)


def read(data: Data) -> Part:
    """Quotes and dropped rows that `data` selects."""
    return together(read_by_symbol(data))
