"""Vendors' files, or a simulation, to quotes: `python -m ivyspt read_quotes`."""

from pathlib import Path

import polars as pl

from ivyspt.artefacts import growing_table, write_table
from ivyspt.columns import REJECTIONS
from ivyspt.config import Data, Section
from ivyspt.quotes.adapters import read_by_symbol

ROW_GROUP = 250_000  # quotes


class Settings(Section):
    """What this stage reads of the configuration."""

    data: Data


def run(settings: Settings, *, quotes: Path, dropped_rows: Path) -> None:
    """Write the quotes that `data` selects, sorted by symbol and time, and the number of dropped rows by reason."""
    provenance = {"settings": settings.model_dump(mode="json")}
    dropped = []
    with growing_table(quotes, provenance) as append:
        for part, rejections in read_by_symbol(settings.data):
            for piece in part.iter_slices(ROW_GROUP):
                append(piece)
            dropped.append(rejections)
    write_table(pl.concat(dropped).sort(REJECTIONS.key), dropped_rows, provenance)
