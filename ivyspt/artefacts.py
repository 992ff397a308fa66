"""Files appear whole or not at all, and carry where they came from."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl
from pyarrow.parquet import ParquetWriter
from safetensors import SafetensorError

from ivyspt.columns import DataError, Table, check
from ivyspt.provenance import note, stamp

KEY = "ivyspt"  # of the provenance in the footer of a parquet file and in the header of a safetensors file
UNWRITABLE = (OSError, pl.exceptions.ComputeError, SafetensorError)  # what libraries raise where a disk is full


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success its content is flushed to disk and takes `path`'s name.

    A stop at any moment, even by a signal that cannot be caught or by a power cut, leaves at `path` what stood
    there before or the whole new file, and perhaps a hidden `.part` file beside it, which the next run clears.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with writable(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with writable(path):
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
            _flush_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()


def _flush_folder(folder: Path) -> None:
    """Let a new name outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Turn what a full disk or a folder without permission raises into a `DataError` that names the file."""
    try:
        yield
    except UNWRITABLE as error:
        raise DataError(f"{path}: must be writable to its end, got {' '.join(str(error).split())}") from error


def write_table(frame: pl.DataFrame, path: Path, provenance: Mapping | None = None) -> None:
    """Write a parquet file; `provenance` and what is known of the running stage travel in its footer as JSON."""
    with whole(path) as temporary, writable(path):
        frame.write_parquet(temporary, compression="zstd", metadata=_footer(provenance))


def _footer(provenance: Mapping | None) -> dict[str, str] | None:
    stamped = stamp(provenance)
    return {KEY: json.dumps(stamped, sort_keys=True)} if stamped else None


def write_json(content: dict, path: Path) -> None:
    """Write indented JSON with sorted keys; what is known of the running stage stands under `provenance`."""
    origin = stamp()
    stamped = content | {"provenance": origin} if origin else content
    write_text(json.dumps(stamped, indent=2, sort_keys=True, allow_nan=False) + "\n", path)


def write_text(text: str, path: Path) -> None:
    """Write a text file."""
    with whole(path) as temporary, writable(path):
        temporary.write_text(text)


def require(path: Path) -> Path:
    """The path of a file that a stage reads; its checksum goes into the provenance of what the stage writes.

    Raises
    ------
    DataError
        There is no such file, or it cannot be opened.
    """
    path = Path(path)
    try:
        note(path)
        path.open("rb").close()
    except FileNotFoundError as error:
        raise DataError(f"{path}: must exist, got no such file") from error
    except OSError as error:
        raise DataError(f"{path}: must be a file that can be read, got {error.strerror}") from error
    return path


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what a damaged parquet file raises while it is read into a `DataError` that names it."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"{path}: must be a parquet file, got {' '.join(str(error).split())}") from error


def read_table(path: Path, table: Table) -> pl.DataFrame:
    """Read a parquet file and check it against what its readers rely on.

    Raises
    ------
    DataError
        The file is missing, is not parquet, or breaks the table's rules.
    """
    return check(read_frame(path), table, path)


def read_frame(path: Path) -> pl.DataFrame:
    """Read a parquet file whose columns nothing but its readers rely on.

    Raises
    ------
    DataError
        The file is missing or is not parquet.
    """
    found = require(path)
    with readable(path):
        return pl.read_parquet(found)


@contextmanager
def growing_table(path: Path, provenance: Mapping | None = None) -> Iterator[Callable[[pl.DataFrame], None]]:
    """Yield a function that appends a frame to the parquet file; the file appears at `path` once all went well.

    All frames have the columns and types of the first one, and each becomes one row group: memory holds one at a time.
    """
    with whole(path) as temporary:
        writer = None

        def append(frame: pl.DataFrame) -> None:
            nonlocal writer
            table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            with writable(path):
                writer = writer or ParquetWriter(temporary, table.schema, compression="zstd")
                writer.write_table(table, row_group_size=max(table.num_rows, 1))

        try:
            yield append
        except BaseException:
            with suppress(OSError):  # a full disk refuses the footer too
                if writer is not None:
                    writer.close()
            raise
        with writable(path):
            if writer is not None:
                writer.add_key_value_metadata(_footer(provenance) or {})
                writer.close()
