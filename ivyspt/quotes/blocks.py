"""A table of quotes in blocks of whole surfaces, so that memory does not grow with the table."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from ivyspt.artefacts import readable
from ivyspt.columns import QUOTES, DataError, check, listed
from ivyspt.quotes.chains import SURFACE

BLOCK = 250_000  # quotes; a block ends with the surface that reaches it


def blocks(table: pl.LazyFrame, where: Path, size: int = BLOCK) -> Iterator[pl.DataFrame]:
    """Yield the table's rows in order, whole surfaces at a time, each block checked as QUOTES.

    Raises
    ------
    DataError
        The rows of a surface do not stand together, or a block breaks the table's rules.
    """
    with readable(where):
        found = table.collect_schema()
    if not set(SURFACE) <= set(found):
        raise DataError(f"{where}: quotes must have the columns {' and '.join(SURFACE)}, got {listed(found)}")
    surfaces = (
        table.select(SURFACE)
        .with_row_index("row")
        .group_by(SURFACE)
        .agg(pl.col("row").min().alias("first"), pl.col("row").max().alias("last"), pl.len().alias("quotes"))
    )
    with readable(where):
        surfaces = surfaces.collect(engine="streaming").sort("first")
    scattered = surfaces.filter(pl.col("last") - pl.col("first") + 1 != pl.col("quotes"))
    if scattered.height:
        first = scattered.row(0, named=True)
        raise DataError(
            f"{where}: the quotes of a surface must stand together, got those of {first['symbol']} at "
            f"{first['quote_time']} scattered"
        )
    start = 0
    for last in surfaces["last"]:
        if last + 1 - start >= size or last == surfaces["last"][-1]:
            with readable(where):
                block = table.slice(start, last + 1 - start).collect()
            yield check(block, QUOTES, where)
            start = last + 1
