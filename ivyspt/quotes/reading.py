"""Read vendors' tables into the canonical table of quotes, a part at a time, so that memory stays bounded.

A part holds whole symbols, with every row that the configuration selects of them. Parts come in order of symbol.
"""

from collections.abc import Callable, Iterator
from datetime import date

import polars as pl

from ivyspt.columns import QUOTES, REJECTIONS, DataError
from ivyspt.config import Data
from ivyspt.quotes.column_map import ColumnMap
from ivyspt.quotes.dates import bounds_of
from ivyspt.quotes.days import apart, inconsistent_chains, jumps, stale_chains
from ivyspt.quotes.files import Files, Source
from ivyspt.quotes.parsing import blank_name, clean_names, quotes_of
from ivyspt.quotes.rows import counted, in_order, reasons, with_times, without_repeats

Part = tuple[pl.DataFrame, pl.DataFrame]  # quotes (QUOTES) and dropped rows (REJECTIONS)


def together(parts: Iterator[Part]) -> Part:
    """All parts as one."""
    quotes, dropped = zip(*parts, strict=True)
    return pl.concat(quotes), pl.concat(dropped)


def read_parts(
    data: Data,
    mapping: ColumnMap,
    sources: list[Source],
    prepare: Callable[[pl.LazyFrame], pl.LazyFrame] = lambda lazy: lazy,
) -> Iterator[Part]:
    """Yield quotes and dropped rows of whole symbols.

    `prepare` changes a file's table before its columns are mapped; rows to which it gives a `reason` are dropped and
    counted for it.

    Raises
    ------
    DataError
        A file is damaged, lacks a column or holds what does not parse; a contract is quoted twice at one time with
        different content; or nothing is left that can be used.
    """
    if not sources:
        raise DataError(f"{data.data_dir}: must hold a file of the symbols and dates asked for, got none")
    files = Files(sources, mapping.separator)
    tables = [side for lazy in files.tables for side in quotes_of(prepare(lazy), mapping, files.name)]
    rows = pl.concat(tables, how="diagonal")
    rows = _within_dates(rows, data)
    counts = files.collect(rows.group_by(pl.col("symbol").alias("raw_symbol"), "quote_date").len())
    counts = counts.with_columns(symbol=clean_names(counts["raw_symbol"]))
    if counts["symbol"].null_count() or counts["quote_date"].null_count():
        files.refuse(files.collect(rows.filter(blank_name("symbol") | pl.col("quote_date").is_null())))
    symbols, days = selection(counts, data)
    used = 0
    for group in _groups(symbols, mapping.chunk_rows):
        raw = counts.filter(pl.col("symbol").is_in(group))["raw_symbol"].unique()
        chosen = pl.col("symbol").is_between(pl.lit(raw.min()), pl.lit(raw.max())) & pl.col("symbol").is_in(
            raw.implode()
        )
        part = files.collect(rows.filter(chosen & pl.col("quote_date").is_in(days)))
        files.refuse(part.filter(pl.col("problem").is_not_null()))
        quotes, dropped = _canonical(part, mapping, files)
        used += quotes.height
        yield quotes, dropped
    if not used:
        raise DataError(
            f"{files.name}: must hold a quote that can be used, got {sum(symbols.values())} that are all dropped"
        )


def selection(counts: pl.DataFrame, data: Data) -> tuple[dict[str, int], list[date]]:
    """Symbols that are read, with their numbers of rows, and days.

    Days are the first `max_days` of those within the dates on which a selected symbol is quoted. Of the symbols
    quoted on them, those with the most rows stay (`max_symbols`); ties go to the first by name.
    """
    if data.symbols is not None:
        absent = sorted(set(data.symbols) - set(counts["symbol"]))
        if absent:
            raise DataError(f"data.symbols must be quoted within the dates, got {absent[0]}, which is not")
        counts = counts.filter(pl.col("symbol").is_in(data.symbols))
    days = counts["quote_date"].unique().sort().to_list()[: data.max_days]
    if not days:
        raise DataError(
            f"the dates {data.first_date} to {data.last_date} must hold quotes, got none in {data.data_dir}"
        )
    ranked = counts.filter(pl.col("quote_date").is_in(days)).group_by("symbol").agg(pl.col("len").sum())
    ranked = ranked.sort(["len", "symbol"], descending=[True, False])[: data.max_symbols]
    return dict(ranked.sort("symbol").iter_rows()), days


def _within_dates(rows: pl.LazyFrame, data: Data) -> pl.LazyFrame:
    first, last = bounds_of(data)
    day = pl.col("quote_date")
    return rows.filter(day.is_null() | day.is_between(first, last))


def _groups(symbols: dict[str, int], chunk_rows: int) -> Iterator[list[str]]:
    group, size = [], 0
    for symbol, rows in symbols.items():
        if group and size + rows > chunk_rows:
            yield group
            group, size = [], 0
        group.append(symbol)
        size += rows
    yield group


def _canonical(part: pl.DataFrame, mapping: ColumnMap, files: Files) -> Part:
    symbol = clean_names(part["symbol"])
    root = clean_names(part["root"]).fill_null(symbol) if "root" in part.columns else symbol.alias("root")
    rows = with_times(part.with_columns(symbol, root), mapping).with_columns(reason=reasons())
    kept = in_order(rows.filter(pl.col("reason").is_null()))
    kept, repeats = without_repeats(kept, files.place)
    kept = kept.select(*[pl.col(name).cast(dtype) for name, dtype in QUOTES.columns.items()], "quote_date")
    kept, unlike = apart(kept, inconsistent_chains(kept), "underlying_of_another_contract")
    kept, copies = apart(kept, stale_chains(kept), "copy_of_previous_day")
    dropped = [rows.filter(pl.col("reason").is_not_null()), repeats, unlike, copies]
    dropped = counted(pl.concat([table.select("quote_date", "symbol", "reason") for table in dropped]))
    kept = kept.drop("quote_date")
    return kept, pl.concat([dropped, jumps(kept)]).sort(*REJECTIONS.key)
