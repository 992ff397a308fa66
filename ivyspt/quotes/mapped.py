"""Any CSV or parquet table of option quotes, by the column map in `data.options`."""

from collections.abc import Iterator

from ivyspt.config import Data
from ivyspt.quotes.column_map import ColumnMap
from ivyspt.quotes.files import find, sources_of
from ivyspt.quotes.options import options_of
from ivyspt.quotes.reading import Part, read_parts, together


def read_by_symbol(data: Data) -> Iterator[Part]:
    """Quotes and dropped rows, whole symbols at a time."""
    mapping = options_of(data, ColumnMap)
    return read_parts(data, mapping, sources_of(find(data, mapping.files)))


def read(data: Data) -> Part:
    """Quotes and dropped rows that `data` selects."""
    return together(read_by_symbol(data))
