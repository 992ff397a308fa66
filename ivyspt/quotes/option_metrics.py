"""OptionMetrics IvyDB US as WRDS delivers it: option prices (opprcd), underlyings' prices (secprd), names (secnmd).

Strikes are times 1000; vols are decimals, -99.99 where the vendor found none; the close is negative where it is a mean
of bid and ask (its absolute value is read). Special settlement (ss_flag other than 0) and contracts for other than 100
shares are dropped. The symbol is the ticker of the option table where it has one, else that of the names at the date,
else the secid. Source: IvyDB File and Data Reference Manual.
"""

from collections.abc import Iterator, Sequence

import polars as pl

from ivyspt.columns import DataError
from ivyspt.config import Data, Section
from ivyspt.quotes.column_map import AM_ROOTS, INDEX_SYMBOLS, ColumnMap, TimeOfDay
from ivyspt.quotes.files import Files, find, sources_of
from ivyspt.quotes.options import options_of
from ivyspt.quotes.parsing import parse
from ivyspt.quotes.reading import Part, read_parts, together

SHARES = 100  # of a standard contract
ROOT = r"^\s*(.+?)\s*\d{6}[CP]\d{8}\s*$"  # of a symbol such as "SPXW  230120C04000000"
OPTION_COLUMNS = {
    "symbol": "joined_symbol",  # by `with_underlying`, like the next two
    "root": "joined_root",
    "underlying_price": "joined_close",
    "quote_date": "date",
    "expiry": "exdate",
    "strike": "strike_price",
    "option_type": "cp_flag",
    "bid": "best_bid",
    "ask": "best_offer",
    "volume": "volume",
    "open_interest": "open_interest",
    "vendor_implied_vol": "impl_volatility",
    "settlement": "am_settlement",
    "exercise": "exercise_style",
    "last_trade_time": "last_date",
}


class Options(Section):
    """The adapter's keys of the configuration."""

    option_prices: str = "*opprcd*"  # globs under data.data_dir
    security_prices: str = "*secprd*"
    security_names: str | None = None  # such as *secnmd*; None: tickers of the option table, or secids
    date_format: str = "%Y-%m-%d"  # of all dates that are text
    quote_time: TimeOfDay = "16:00"  # exchange-local; the vendor takes 15:59 since 5 March 2008
    index_quote_time: TimeOfDay = "16:00"
    index_symbols: list[str] = INDEX_SYMBOLS
    am_roots: list[str] = AM_ROOTS


def column_map(options: Options) -> ColumnMap:
    """The columns of the option table after `with_underlying`."""
    return ColumnMap(
        columns=OPTION_COLUMNS,
        may_be_absent=["settlement", "exercise", "last_trade_time", "open_interest", "volume"],
        date_format=options.date_format,
        time_format=options.date_format,
        scale={"strike": 0.001},
        missing={"vendor_implied_vol": -99.99},
        quote_time=options.quote_time,
        index_quote_time=options.index_quote_time,
        index_symbols=options.index_symbols,
        am_roots=options.am_roots,
    )


def underlyings(data: Data, options: Options, mapping: ColumnMap) -> pl.DataFrame:
    """Columns secid, day, joined_close and joined_ticker (null without a table of names) of each security and day.

    Raises
    ------
    DataError
        A table does not parse, or a security has two closes on one day.
    """
    columns = {"symbol": "secid", "quote_date": "date", "underlying_price": "close"}
    prices = _single(_table(data, options.security_prices, columns, mapping).unique(), data, options)
    if options.security_names is None:
        prices = prices.with_columns(root=pl.lit(None, dtype=pl.String))
    else:
        columns = {"symbol": "secid", "quote_date": "effect_date", "root": "ticker"}
        names = _table(data, options.security_names, columns, mapping).sort("quote_date")
        prices = prices.sort("quote_date").join_asof(names, on="quote_date", by="symbol", check_sortedness=False)
    close = pl.col("underlying_price").abs()
    return prices.select("symbol", "quote_date", joined_close=close, joined_ticker="root")


def closes_of(data: Data, secids: Sequence[str]) -> pl.DataFrame:
    """Columns secid, date and close (positive) of the named securities.

    Raises
    ------
    DataError
        The table of prices is missing or does not parse, or a security has two closes on one day.
    """
    options = options_of(data, Options)
    columns = {"symbol": "secid", "quote_date": "date", "underlying_price": "close"}
    rows = _table(data, options.security_prices, columns, column_map(options), secids)
    return _single(rows.unique(), data, options).select(
        secid="symbol", date="quote_date", close=pl.col("underlying_price").abs()
    )


def _single(prices: pl.DataFrame, data: Data, options: Options) -> pl.DataFrame:
    """The prices, if no security has two on one day."""
    twice = prices.filter(pl.struct("symbol", "quote_date").is_duplicated())
    if twice.height:
        row = twice.sort("symbol", "quote_date").row(0, named=True)
        raise DataError(
            f"{data.data_dir}/{options.security_prices}: a security must have one close a day, got several for secid "
            f"{row['symbol']} on {row['quote_date']}"
        )
    return prices


def _table(
    data: Data, pattern: str, columns: dict[str, str], mapping: ColumnMap, secids: Sequence[str] | None = None
) -> pl.DataFrame:
    """The columns of all files of a pattern; of the named securities alone, where some are named."""
    files = Files(sources_of(find(data, pattern)))
    tables = []
    for lazy in files.tables:
        parsed, problem = parse(lazy.collect_schema(), columns, mapping, files.name)
        named = [expression.alias(name) for name, expression in parsed.items()]
        tables.append(lazy.select(*named, problem.alias("problem"), "file", "row"))
    lazy = pl.concat(tables)
    if secids is not None:
        lazy = lazy.filter(pl.col("problem").is_not_null() | pl.col("symbol").pipe(_identifier).is_in(secids))
    rows = files.collect(lazy)
    files.refuse(rows.filter(pl.col("problem").is_not_null()))
    return rows.select(pl.col("symbol").pipe(_identifier), *[name for name in columns if name != "symbol"])


def _identifier(secid: pl.Expr) -> pl.Expr:
    return secid.cast(pl.String).str.strip_chars().str.strip_suffix(".0")


def with_underlying(lazy: pl.LazyFrame, prices: pl.DataFrame, mapping: ColumnMap, where: str) -> pl.LazyFrame:
    """Option prices with symbol, root and close of the underlying, and a reason to drop special contracts."""
    schema = lazy.collect_schema()
    parsed, _ = parse(schema, {"symbol": "secid", "quote_date": "date"}, mapping, where)
    secid = _identifier(parsed["symbol"])
    keyed = lazy.with_columns(joined_secid=secid, joined_date=parsed["quote_date"])
    joined = keyed.join(
        prices.lazy(),
        left_on=["joined_secid", "joined_date"],
        right_on=["symbol", "quote_date"],
        how="left",
        maintain_order="left",
    )
    tickers = [pl.col("ticker")] if "ticker" in schema else []
    symbol = pl.coalesce(*tickers, "joined_ticker", "joined_secid")
    listed = pl.col("symbol") if "symbol" in schema else pl.lit(None, dtype=pl.String)
    root = listed.str.extract(ROOT)  # null before 2010: roots then differed within one smile
    return joined.with_columns(joined_symbol=symbol, joined_root=pl.coalesce(root, symbol), reason=_special(schema))


def _special(schema: pl.Schema) -> pl.Expr:
    reasons = []
    if "ss_flag" in schema:
        flag = pl.col("ss_flag").cast(pl.String).str.strip_chars().str.strip_suffix(".0")
        reasons.append(pl.when(flag != "0").then(pl.lit("special_settlement")))
    if "contract_size" in schema:
        size = pl.col("contract_size").cast(pl.Float64, strict=False)
        reasons.append(pl.when(size != SHARES).then(pl.lit("adjusted_contract")))
    return pl.coalesce(reasons) if reasons else pl.lit(None, dtype=pl.String)


def read_by_symbol(data: Data) -> Iterator[Part]:
    """Quotes and dropped rows, whole symbols at a time."""
    options = options_of(data, Options)
    mapping = column_map(options)
    sources = sources_of(find(data, options.option_prices))
    prices = underlyings(data, options, mapping)
    return read_parts(data, mapping, sources, lambda lazy: with_underlying(lazy, prices, mapping, sources[0].name))


def read(data: Data) -> Part:
    """Quotes and dropped rows that `data` selects."""
    return together(read_by_symbol(data))
