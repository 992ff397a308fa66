"""Files appear whole or not at all, and tables carry where they came from."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import polars as pl
from pyarrow.parquet import ParquetWriter

from ivyspt.columns import DataError, Table, check


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success its content is flushed to disk and takes `path`'s name."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_table(frame: pl.DataFrame, path: Path, provenance: dict | None = None) -> None:
    """Write a parquet file; `provenance` travels in its footer as JSON under the key `ivyspt`."""
    metadata = {"ivyspt": json.dumps(provenance, sort_keys=True)} if provenance else None
    with whole(path) as temporary:
        frame.write_parquet(temporary, compression="zstd", metadata=metadata)


def write_json(content: dict | list, path: Path) -> None:
    """Write indented JSON with sorted keys."""
    with whole(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_table(path: Path, table: Table) -> pl.DataFrame:
    """Read a parquet file and check it against what its readers rely on.

    Raises
    ------
    DataError
        The file is missing, is not parquet, or breaks the table's rules.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path}: must exist, got no such file")
    try:
        frame = pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: must be a parquet file, got {error}") from error
    return check(frame, table, path)


@contextmanager
def growing_table(path: Path, provenance: dict | None = None) -> Iterator[Callable[[pl.DataFrame], None]]:
    """Yield a function that appends a frame to the parquet file; the file appears at `path` once all went well.

    All frames have the columns and types of the first one, and each becomes one row group: memory holds one at a time.
    """
    with whole(path) as temporary, ExitStack() as stack:
        writer = None

        def append(frame: pl.DataFrame) -> None:
            nonlocal writer
            table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            if writer is None:
                writer = stack.enter_context(ParquetWriter(temporary, table.schema, compression="zstd"))
                if provenance:
                    writer.add_key_value_metadata({"ivyspt": json.dumps(provenance, sort_keys=True)})
            writer.write_table(table, row_group_size=max(table.num_rows, 1))

        yield append
