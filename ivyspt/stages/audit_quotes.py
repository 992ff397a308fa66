"""Static arbitrage in the quotes: `python -m ivyspt audit_quotes`."""

from pathlib import Path

import numpy as np
import polars as pl

from ivyspt.artefacts import read_table, write_table
from ivyspt.columns import POINTS, DataError
from ivyspt.config import QuoteAudit, Section
from ivyspt.quotes.arbitrage_audit import audit_surface


class Settings(Section):
    """What this stage reads of the configuration."""

    quote_audit: QuoteAudit


def run(settings: Settings, *, all_points: Path, violations: Path) -> None:
    """Count violations of static arbitrage at mid and at bid and ask, on surfaces spread evenly over the table."""
    audit = settings.quote_audit
    points = read_table(all_points, POINTS)
    names = points["surface_id"].unique().sort()
    if names.is_empty():
        raise DataError(f"{all_points}: must hold points, got none")
    chosen = names[np.unique(np.linspace(0, len(names) - 1, audit.surfaces).round().astype(int))]
    surfaces = points.filter(pl.col("surface_id").is_in(chosen.implode())).partition_by("surface_id")
    found = [audit_surface(surface, audit.price_tolerance, audit.max_calendar_points) for surface in surfaces]
    write_table(pl.concat(found), violations, {"settings": settings.model_dump(mode="json")})
