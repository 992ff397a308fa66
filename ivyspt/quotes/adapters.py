"""The adapters by the name that `data.adapter` gives."""

from collections.abc import Callable, Iterator

import polars as pl

from ivyspt.columns import DataError
from ivyspt.config import Data
from ivyspt.quotes import (
    cboe_datashop,
    lean,
    mapped,
    megacaps,
    option_metrics,
    optionsdx,
    simulated,
    spx_short_dated,
    spy_thin,
    us_panel,
)


def _simulated(data: Data) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    yield simulated.read(data)


READERS: dict[str, Callable[[Data], Iterator[tuple[pl.DataFrame, pl.DataFrame]]]] = {
    "cboe_datashop": cboe_datashop.read_by_symbol,
    "column_map": mapped.read_by_symbol,
    "lean": lean.read_by_symbol,
    "megacaps": megacaps.read_by_symbol,
    "option_metrics": option_metrics.read_by_symbol,
    "optionsdx": optionsdx.read_by_symbol,
    "simulated": _simulated,
    "spx_short_dated": spx_short_dated.read_by_symbol,
    "spy_thin": spy_thin.read_by_symbol,
    "us_panel": us_panel.read_by_symbol,
}


def read_by_symbol(data: Data) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield the quotes (QUOTES) and dropped rows (REJECTIONS) that `data` selects, whole symbols at a time.

    Raises
    ------
    DataError
        No adapter has the name `data.adapter`, or the data break a rule.
    """
    if data.adapter not in READERS:
        raise DataError(f"data.adapter must be one of {', '.join(READERS)}, got {data.adapter}")
    return READERS[data.adapter](data)
