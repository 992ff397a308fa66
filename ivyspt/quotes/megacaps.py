"""End-of-day bid and ask of twenty US megacaps: one CSV a symbol and day (data/SYMBOL/DATE.csv) in a tar.zst archive.

Options of 7 to 88 days only; 13 % of the bids are zero. Vendor's vols are in percent, .001 where they failed.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath

from ivyspt.config import Data
from ivyspt.quotes.column_map import ColumnMap
from ivyspt.quotes.files import find, tar_members
from ivyspt.quotes.options import QuoteTime, options_of
from ivyspt.quotes.reading import Part, read_parts, together


def column_map(data: Data) -> ColumnMap:
    """The files' columns; `data.options` may set quote_time."""
    return ColumnMap(
        files="*.tar.zst",
        columns={
            "quote_date": "quote_date",
            "symbol": "symbol",
            "expiry": "expiration",
            "strike": "strike",
            "option_type": "option_type",
            "bid": "bid",
            "ask": "ask",
            "underlying_price": "underlying_price",
            "volume": "volume",
            "open_interest": "open_interest",
            "vendor_implied_vol": "implied_volatility",
        },
        constants={"settlement": "pm", "exercise": "american"},
        missing={"vendor_implied_vol": 0.001},  # in the file's unit
        implied_vol_unit="percent",
        quote_time=options_of(data, QuoteTime).quote_time,
    )


def read_by_symbol(data: Data) -> Iterator[Part]:
    """Quotes and dropped rows, whole symbols at a time; files of other symbols and dates are not parsed."""

    def wanted(name: str) -> bool:
        path = PurePosixPath(name)
        symbol, day = path.parent.name, path.stem
        asked = data.symbols is None or symbol in data.symbols
        return path.suffix == ".csv" and asked and (data.first_date or "") <= day <= (data.last_date or "9")

    mapping = column_map(data)
    sources = [member for path in find(data, mapping.files, (".tar.zst",)) for member in tar_members(path, wanted)]
    return read_parts(data, mapping, sources)


def read(data: Data) -> Part:
    """Quotes and dropped rows that `data` selects."""
    return together(read_by_symbol(data))
