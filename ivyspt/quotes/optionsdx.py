"""OptionsDX's option chains of one symbol: text files, a call and a put a row, bracketed columns.

Quote times are in [QUOTE_READTIME], exchange-local; vols are decimals, blank where unknown. Files name neither the
symbol, which the configuration gives, nor the root: of a symbol with AM-settled series, expiries on third Fridays,
where both series stand under the same keys, are dropped (`settlement_unknown`).
"""

from collections.abc import Iterator

from ivyspt.config import Data, Section
from ivyspt.quotes.column_map import AM_ROOTS, INDEX_SYMBOLS, ColumnMap
from ivyspt.quotes.files import find, sources_of
from ivyspt.quotes.options import options_of
from ivyspt.quotes.parsing import with_monthly_apart
from ivyspt.quotes.reading import Part, read_parts, together


class Options(Section):
    """The adapter's keys of the configuration."""

    symbol: str  # of the files
    index_symbols: list[str] = INDEX_SYMBOLS
    am_roots: list[str] = AM_ROOTS


def column_map(data: Data) -> ColumnMap:
    """The files' columns."""
    options = options_of(data, Options)
    return ColumnMap(
        columns={
            "quote_time": "[QUOTE_READTIME]",
            "underlying_price": "[UNDERLYING_LAST]",
            "expiry": "[EXPIRE_DATE]",
            "strike": "[STRIKE]",
        },
        call=_side("C"),
        put=_side("P"),
        constants={"symbol": options.symbol, "settlement": "pm"},
        index_symbols=options.index_symbols,
        am_roots=options.am_roots,
    )


def _side(letter: str) -> dict[str, str]:
    return {
        "bid": f"[{letter}_BID]",
        "ask": f"[{letter}_ASK]",
        "volume": f"[{letter}_VOLUME]",
        "vendor_implied_vol": f"[{letter}_IV]",
    }


def read_by_symbol(data: Data) -> Iterator[Part]:
    """Quotes and dropped rows."""
    mapping = column_map(data)
    sources = sources_of(find(data, mapping.files))
    if mapping.constants["symbol"] not in mapping.am_roots:
        return read_parts(data, mapping, sources)
    return read_parts(data, mapping, sources, lambda lazy: with_monthly_apart(lazy, mapping))


def read(data: Data) -> Part:
    """Quotes and dropped rows that `data` selects."""
    return together(read_by_symbol(data))
