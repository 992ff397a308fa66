"""Vendors' files as lazy tables: plain or compressed CSV and parquet, in folders, tar and zip archives."""

import logging
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import zstandard

from ivyspt.columns import DataError
from ivyspt.config import Data
from ivyspt.provenance import note

CSV = (".csv", ".txt", ".csv.gz", ".txt.gz", ".csv.zst", ".txt.zst")
RENAMED = r"_duplicated_\d+$"  # what polars adds to a name that stands again
LONGEST = 500  # characters of a file that a message repeats
EMPTY_SIZE = 65_536  # bytes; only a file up to this size is looked into for whether it has rows
BROKEN = (
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
    zstandard.ZstdError,
    zipfile.BadZipFile,
    zlib.error,
    RuntimeError,  # what zipfile raises for archives that are encrypted or packed in a way it does not know
    tarfile.TarError,
    OSError,
    EOFError,
    ValueError,  # of zipfile and tarfile, where a length or an offset in them makes no sense
    struct.error,
    lzma.LZMAError,
)


@dataclass(frozen=True)
class Source:
    """A table to read: its name in messages, and its path or its content (CSV)."""

    name: str
    content: Path | bytes


@contextmanager
def whole_file(name: str) -> Iterator[None]:
    """Turn what a damaged file raises into a `DataError` that names it."""
    try:
        yield
    except DataError:
        raise
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: must be UTF-8 text, got {error}") from error
    except BROKEN as error:
        raise DataError(f"{name}: must be a whole, readable file, got {one_line(_first_line(error))}") from error


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def one_line(text: str) -> str:
    """Text of a file as a message can hold it: without line breaks, and not too long."""
    return " ".join(text.split())[:LONGEST]


def folder(data: Data) -> Path:
    """The folder that `data.data_dir` names."""
    if data.data_dir is None:
        raise DataError(f"data.data_dir must name the folder of the adapter {data.adapter}, got none")
    path = Path(data.data_dir)
    if not path.exists():
        raise DataError(f"data.data_dir must exist, got {path}")
    return path


def find(data: Data, pattern: str, suffixes: tuple[str, ...] = (*CSV, ".parquet", ".zip")) -> list[Path]:
    """Files under `data.data_dir` that match a glob and a suffix, sorted by path; hidden files do not count."""
    root = folder(data)
    if root.is_file():
        return [root]
    found = sorted(path for path in root.glob(pattern) if path.is_file() and path.name.endswith(suffixes))
    found = [path for path in found if not any(part.startswith(".") for part in path.relative_to(root).parts)]
    if not found:
        raise DataError(f"{root}: must hold a file that matches {pattern} and ends in {', '.join(suffixes)}, got none")
    return found


def sources_of(paths: list[Path]) -> list[Source]:
    """Tables in the given files; the CSV files of a zip archive count one by one."""
    sources = []
    for path in paths:
        with whole_file(str(path)):
            note(path)
        if path.name.endswith(".zip"):
            sources.extend(zip_members(path, lambda name: name.endswith((".csv", ".txt"))))
        else:
            sources.append(Source(str(path), path))
    return sources


def zip_members(path: Path, wanted: Callable[[str], bool]) -> list[Source]:
    """Members of a zip archive whose name is wanted, in the archive's order."""
    with whole_file(str(path)), zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/") and wanted(name)]
        return [Source(f"{path}:{name}", archive.read(name)) for name in names]


def tar_members(path: Path, wanted: Callable[[str], bool]) -> list[Source]:
    """Members of a tar archive compressed by zstd whose name is wanted, sorted by name."""
    members = []
    with whole_file(str(path)), path.open("rb") as file:
        note(path)
        stream = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                if member.isfile() and wanted(member.name):
                    members.append(Source(f"{path}:{member.name}", archive.extractfile(member).read()))
    return sorted(members, key=lambda source: source.name)


class Files:
    """Sources that are read together, as lazy tables, one for each set of columns; those of a CSV are all text.

    Besides its own columns a table has `file`, the source's name, and `row`, which counts the table's rows from 0 and
    rises within a file. Spaces around the names of columns do not count. A file without rows is named in the log.

    Raises
    ------
    DataError
        A file has no header, two of its columns share a name, or no file has rows.
    """

    def __init__(self, sources: list[Source], separator: str = ","):
        self.sources, self.separator = sources, separator
        self.name = _name_of(sources)
        groups: dict[tuple, list[Source]] = {}
        for source in sources:
            schema = _schema(source, separator)
            if _is_empty(source, separator):
                logging.getLogger(__name__).warning("%s: holds no rows", source.name)
            else:
                groups.setdefault((isinstance(source.content, bytes), *schema.items()), []).append(source)
        if not groups:
            raise DataError(f"{self.name}: must hold rows, got none")
        self.tables = [_scan(group, separator) for group in groups.values()]
        self.names = [_name_of(group) for group in groups.values()]  # of the tables

    def collect(self, rows: pl.LazyFrame) -> pl.DataFrame:
        """The rows of a query on the tables; a `DataError` that names the file where one cannot be read."""
        try:
            return rows.collect()
        except BROKEN as error:
            for source in self.sources:
                with whole_file(source.name):
                    _scan([source], self.separator).select(pl.all().null_count()).collect()
            raise DataError(f"{self.name}: must be readable, got {one_line(_first_line(error))}") from error

    def place(self, row: dict) -> str:
        """Where a row is, as a person finds it: its file, and its number in it, the first below the header being 1."""
        for table in self.tables:
            first = table.filter(pl.col("file") == row["file"]).select(pl.col("row").min()).collect().item()
            if first is not None:
                return f"{row['file']} row {row['row'] - first + 1}"
        return row["file"]

    def refuse(self, rows: pl.DataFrame) -> None:
        """Raise a `DataError` that names the first of the rows and its `problem`, if there is one."""
        if rows.height:
            first = rows.row(0, named=True)
            others = f" ({rows.height} such rows)" if rows.height > 1 else ""
            raise DataError(f"{self.place(first)}: {one_line(first['problem'])}{others}")


def _name_of(sources: list[Source]) -> str:
    return sources[0].name if len(sources) == 1 else f"{sources[0].name} and {len(sources) - 1} more"


def _scan(sources: list[Source], separator: str) -> pl.LazyFrame:
    contents = [source.content for source in sources]
    with whole_file(sources[0].name):
        if isinstance(contents[0], bytes):
            frames = [_read_text(source, separator).with_columns(file=pl.lit(source.name)) for source in sources]
            lazy = pl.concat(frames).with_row_index("row").lazy()
        elif contents[0].name.endswith(".parquet"):
            lazy = pl.scan_parquet(contents, row_index_name="row", hive_partitioning=True, include_file_paths="file")
        else:
            lazy = pl.scan_csv(
                contents, infer_schema=False, separator=separator, row_index_name="row", include_file_paths="file"
            )
        names = lazy.collect_schema().names()
    return lazy.rename({name: name.strip() for name in names})


def _read_text(source: Source, separator: str) -> pl.DataFrame:
    with whole_file(source.name):
        return pl.read_csv(source.content, infer_schema=False, separator=separator)


def _schema(source: Source, separator: str) -> pl.Schema:
    with whole_file(source.name):
        if isinstance(source.content, bytes):
            schema = pl.read_csv(source.content, infer_schema=False, separator=separator, n_rows=0).schema
        elif source.name.endswith(".parquet"):
            schema = pl.read_parquet_schema(source.content)
        else:
            schema = pl.scan_csv(source.content, infer_schema=False, separator=separator).collect_schema()
    names = [re.sub(RENAMED, "", name).strip() for name in schema]
    twice = [name for name in names if names.count(name) > 1 or name in {"row", "file"}]
    if twice:
        raise DataError(f"{source.name}: columns must differ in name, got {twice[0]!r} twice")
    return schema


def _is_empty(source: Source, separator: str) -> bool:
    if isinstance(source.content, bytes):
        return b"\n" not in source.content.strip()
    if source.content.stat().st_size > EMPTY_SIZE:
        return False
    with whole_file(source.name):
        return not _scan([source], separator).head(1).collect().height
