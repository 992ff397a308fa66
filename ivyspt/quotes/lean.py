"""QuantConnect Lean's daily option quotes: zip archives with one CSV a contract and no header, prices times 10,000.

The archive and its members say what they hold: `daily/aapl_2014_quote_american.zip` holds
`aapl_quote_american_call_10000000_20150117.csv`, whose strike is 1000. The last bid and ask of each day are read.
Lean's prices of the underlying are adjusted for later splits and the strikes are not, so they are left out. A folder
may hold the archives themselves or a tar.zst of them.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ivyspt.columns import DataError
from ivyspt.config import Data
from ivyspt.provenance import note
from ivyspt.quotes.column_map import ColumnMap
from ivyspt.quotes.files import Source, find, tar_members, whole_file
from ivyspt.quotes.options import QuoteTime, options_of
from ivyspt.quotes.reading import Part, read_parts, together

ARCHIVE = re.compile(r"^(?P<symbol>.+)_\d{4}_quote_(american|european)\.zip$")
CONTRACT = re.compile(r"^(.+)_quote_(american|european)_(call|put)_(\d+)_(\d{8})\.csv$")
BARS = "time,bid_open,bid_high,bid_low,bid_close,bid_size,ask_open,ask_high,ask_low,ask_close,ask_size"
PRICE_SCALE = 1e-4


def column_map(data: Data) -> ColumnMap:
    """The columns that `table_of` gives a row; `data.options` may set quote_time."""
    return ColumnMap(
        columns={
            "quote_date": "day",
            "symbol": "symbol",
            "expiry": "expiry",
            "strike": "strike",
            "option_type": "option_type",
            "exercise": "exercise",
            "bid": "bid_close",
            "ask": "ask_close",
        },
        constants={"settlement": "pm"},
        date_format="%Y%m%d",
        scale={"strike": PRICE_SCALE, "bid": PRICE_SCALE, "ask": PRICE_SCALE},
        quote_time=options_of(data, QuoteTime).quote_time,
    )


def table_of(name: str, content: bytes) -> Source:
    """One CSV with header of an archive's members, each row with its contract.

    Raises
    ------
    DataError
        The archive is damaged, or a member's name does not say the contract.
    """
    rows = [f"symbol,exercise,option_type,strike,expiry,day,{BARS}"]
    with whole_file(name), zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in sorted(archive.namelist()):
            contract = CONTRACT.match(member)
            if contract is None:
                raise DataError(f"{name}: members must be named like {CONTRACT.pattern}, got {member}")
            symbol, *terms = contract.groups()
            prefix = ",".join((symbol.upper(), *terms))
            lines = archive.read(member).decode().splitlines()
            rows += [f"{prefix},{line.replace(' ', ',', 1)}" for line in lines]  # day and time stand as one column
    return Source(name, "\n".join(rows).encode())


def read_by_symbol(data: Data) -> Iterator[Part]:
    """Quotes and dropped rows, whole symbols at a time; archives of other symbols are not opened."""

    def wanted(name: str) -> bool:
        archive = ARCHIVE.match(PurePosixPath(name).name)
        return archive is not None and (data.symbols is None or archive["symbol"].upper() in data.symbols)

    mapping = column_map(data)
    archives = []
    for path in find(data, "**/*", (".tar.zst", ".zip")):
        if path.name.endswith(".zip"):
            archives += [_archive(path)] if wanted(path.name) else []
        else:
            archives += tar_members(path, wanted)
    return read_parts(data, mapping, [table_of(archive.name, archive.content) for archive in archives])


def _archive(path: Path) -> Source:
    with whole_file(str(path)):
        note(path)
        return Source(str(path), path.read_bytes())


def read(data: Data) -> Part:
    """Quotes and dropped rows that `data` selects."""
    return together(read_by_symbol(data))
