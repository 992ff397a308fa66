"""End-of-day chains of US stocks and ETFs: one parquet table, a call and a put a row, one price instead of bid and ask.

The price is a last trade or a mark, unknown which. Vendor's vols are in percent, 0 where missing.
"""

from collections.abc import Iterator

from ivyspt.config import Data
from ivyspt.quotes.column_map import ColumnMap
from ivyspt.quotes.files import find, sources_of
from ivyspt.quotes.options import QuoteTime, options_of
from ivyspt.quotes.reading import Part, read_parts, together


def column_map(data: Data) -> ColumnMap:
    """The panel's columns; `data.options` may set quote_time."""
    options = options_of(data, QuoteTime)
    return ColumnMap(
        files="chains_*.parquet",
        columns={"quote_date": "date", "symbol": "symbol", "underlying_price": "underlyingPrice", "expiry": "expiry"}
        | {"strike": "strike"},
        call=_side("call"),
        put=_side("put"),
        constants={"settlement": "pm", "exercise": "american"},
        missing={"vendor_implied_vol": 0.0},
        implied_vol_unit="percent",
        quote_time=options.quote_time,
    )


def _side(side: str) -> dict[str, str]:
    return {
        "mark": f"{side}Price",
        "vendor_implied_vol": f"{side}Iv",
        "volume": f"{side}Volume",
        "open_interest": f"{side}Oi",
    }


def read_by_symbol(data: Data) -> Iterator[Part]:
    """Quotes and dropped rows, whole symbols at a time."""
    mapping = column_map(data)
    return read_parts(data, mapping, sources_of(find(data, mapping.files)))


def read(data: Data) -> Part:
    """Quotes and dropped rows that `data` selects."""
    return together(read_by_symbol(data))
