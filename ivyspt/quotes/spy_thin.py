"""SPY over 2021, twenty quoted options a day: one CSV, a contract a row, bid and ask.

`optionroot` holds the whole symbol of the contract, from which the root is taken; vols are decimals.
"""

from collections.abc import Iterator

from ivyspt.config import Data
from ivyspt.quotes.column_map import ColumnMap
from ivyspt.quotes.files import find, sources_of
from ivyspt.quotes.options import QuoteTime, options_of
from ivyspt.quotes.reading import Part, read_parts, together


def column_map(data: Data) -> ColumnMap:
    """The table's columns; `data.options` may set quote_time."""
    return ColumnMap(
        files="*.csv",
        columns={
            "quote_date": "quotedate",
            "symbol": "underlying",
            "root": "optionroot",
            "expiry": "expiration",
            "strike": "strike",
            "option_type": "type",
            "bid": "bid",
            "ask": "ask",
            "underlying_price": "underlying_last",
            "volume": "volume",
            "open_interest": "openinterest",
            "vendor_implied_vol": "impliedvol",
        },
        constants={"settlement": "pm", "exercise": "american"},
        quote_time=options_of(data, QuoteTime).quote_time,
    )


def read_by_symbol(data: Data) -> Iterator[Part]:
    """Quotes and dropped rows, whole symbols at a time."""
    mapping = column_map(data)
    return read_parts(data, mapping, sources_of(find(data, mapping.files)))


def read(data: Data) -> Part:
    """Quotes and dropped rows that `data` selects."""
    return together(read_by_symbol(data))
