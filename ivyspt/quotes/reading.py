"""Read vendors' tables into the canonical table of quotes, a part at a time, so that memory stays bounded.

A part holds whole symbols, with every row that the configuration selects of them; a symbol that is larger than a part
may be is read by whole days. Parts come in order of symbol and day.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Before:
    """A symbol's last chain so far: as it was read, and of those that are no copies."""

    read: pl.DataFrame
    kept: pl.DataFrame


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
    """Yield quotes and dropped rows of whole symbols, or of whole days of one symbol.

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
    named = zip(files.tables, files.names, strict=True)
    tables = [side for lazy, name in named for side in quotes_of(prepare(lazy), mapping, name)]
    rows = pl.concat(tables, how="diagonal")
    rows = _within_dates(rows, data)
    counts = files.collect(rows.group_by(pl.col("symbol").alias("raw_symbol"), "quote_date").len())
    counts = counts.with_columns(symbol=clean_names(counts["raw_symbol"]))
    if counts["symbol"].null_count() or counts["quote_date"].null_count():
        files.refuse(files.collect(rows.filter(blank_name("symbol") | pl.col("quote_date").is_null())))
    symbols, days = selection(counts, data)
    used, before, last_group = 0, None, None
    for group, some_days in _groups(counts, symbols, days, mapping.chunk_rows):
        raw = counts.filter(pl.col("symbol").is_in(group))["raw_symbol"].unique()
        chosen = pl.col("symbol").is_between(pl.lit(raw.min()), pl.lit(raw.max())) & pl.col("symbol").is_in(
            raw.implode()
        )
        within = pl.col("quote_date").is_between(some_days[0], some_days[-1]) & pl.col("quote_date").is_in(some_days)
        part = files.collect(rows.filter(chosen & within))
        files.refuse(part.filter(pl.col("problem").is_not_null()))
        quotes, dropped, before = _canonical(part, mapping, files, before if group == last_group else None)
        last_group = group
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


def _groups(
    counts: pl.DataFrame, symbols: dict[str, int], days: list[date], chunk_rows: int
) -> Iterator[tuple[list[str], list[date]]]:
    """Symbols and days that are read together; a part has more than `chunk_rows` rows only if a symbol's day has."""
    group, size = [], 0
    for symbol, rows in symbols.items():
        if group and size + rows > chunk_rows:
            yield group, days
            group, size = [], 0
        if rows > chunk_rows:
            for some_days in _day_groups(counts.filter(pl.col("symbol") == symbol), days, chunk_rows):
                yield [symbol], some_days
        else:
            group.append(symbol)
            size += rows
    if group:
        yield group, days


def _day_groups(counts: pl.DataFrame, days: list[date], chunk_rows: int) -> Iterator[list[date]]:
    """Days of one symbol that are read together."""
    by_day = counts.filter(pl.col("quote_date").is_in(days)).group_by("quote_date").agg(pl.col("len").sum())
    group, size = [], 0
    for day, rows in by_day.sort("quote_date").iter_rows():
        if group and size + rows > chunk_rows:
            yield group
            group, size = [], 0
        group.append(day)
        size += rows
    yield group


def _canonical(
    part: pl.DataFrame, mapping: ColumnMap, files: Files, before: _Before | None
) -> tuple[pl.DataFrame, pl.DataFrame, _Before]:
    """Quotes and dropped rows of a part, and what the next part of the same symbol has to know of it."""
    symbol = clean_names(part["symbol"])
    root = clean_names(part["root"]).fill_null(symbol) if "root" in part.columns else symbol.alias("root")
    rows = with_times(part.with_columns(symbol, root), mapping).with_columns(reason=reasons())
    kept = in_order(rows.filter(pl.col("reason").is_null()))
    kept, repeats = without_repeats(kept, files.place)
    kept = kept.select(*[pl.col(name).cast(dtype) for name, dtype in QUOTES.columns.items()], "quote_date")
    kept, unlike = apart(kept, inconsistent_chains(kept), "underlying_of_another_contract")
    before = before or _Before(kept.clear(), kept.clear())
    read = _last_chain(kept, before.read)
    kept, copies = apart(kept, stale_chains(pl.concat([before.read, kept])), "copy_of_previous_day")
    dropped = [rows.filter(pl.col("reason").is_not_null()), repeats, unlike, copies]
    dropped = counted(pl.concat([table.select("quote_date", "symbol", "reason") for table in dropped]))
    notes = jumps(pl.concat([before.kept, kept]))
    after = _Before(read, _last_chain(kept, before.kept))
    return kept.drop("quote_date"), pl.concat([dropped, notes]).sort(*REJECTIONS.key), after


def _last_chain(quotes: pl.DataFrame, otherwise: pl.DataFrame) -> pl.DataFrame:
    """The quotes of the last time, or `otherwise` where there are none."""
    return quotes.filter(pl.col("quote_time") == pl.col("quote_time").max()) if quotes.height else otherwise
