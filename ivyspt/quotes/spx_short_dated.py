"""SPX at the close, its eight nearest expiries: one parquet table, a contract a row, bid and ask.

Neither root nor settlement is given, so that on third Fridays the AM-settled SPX and the PM-settled SPXW series stand
mixed, under the same keys: those expiries are dropped (`settlement_unknown`). All others are SPXW. The underlying's
price (off the SPX close by -48 to 96 basis points) and the vendor's vols are not read: parity and prices say better.
"""

from collections.abc import Iterator

from ivyspt.config import Data, Section
from ivyspt.quotes.column_map import ColumnMap, TimeOfDay
from ivyspt.quotes.files import find, sources_of
from ivyspt.quotes.options import options_of
from ivyspt.quotes.parsing import with_monthly_apart
from ivyspt.quotes.reading import Part, read_parts, together


class Options(Section):
    """The adapter's keys of the configuration."""

    quote_time: TimeOfDay = "16:15"  # exchange-local; index options close a quarter past


def column_map(data: Data) -> ColumnMap:
    """The table's columns."""
    return ColumnMap(
        files="*.parquet",
        columns={
            "quote_date": "date",
            "expiry": "expirationDate",
            "strike": "strikePrice",
            "option_type": "optionType",
            "bid": "bidPrice",
            "ask": "askPrice",
            "volume": "volume",
            "open_interest": "openInterest",
        },
        constants={"symbol": "SPX", "root": "SPXW", "settlement": "pm", "exercise": "european"},
        index_quote_time=options_of(data, Options).quote_time,
    )


def read_by_symbol(data: Data) -> Iterator[Part]:
    """Quotes and dropped rows."""
    mapping = column_map(data)
    sources = sources_of(find(data, mapping.files))
    return read_parts(data, mapping, sources, lambda lazy: with_monthly_apart(lazy, mapping))


def read(data: Data) -> Part:
    """Quotes and dropped rows that `data` selects."""
    return together(read_by_symbol(data))
