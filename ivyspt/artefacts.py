"""Files appear whole or not at all, and tables carry where they came from."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

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
