"""Quotes to surfaces: `python -m ivyspt build_surfaces`."""

from contextlib import ExitStack
from pathlib import Path

import polars as pl

from ivyspt.artefacts import growing_table, require, write_table
from ivyspt.columns import REJECTIONS, DataError
from ivyspt.config import Section, Surfaces
from ivyspt.quotes.blocks import blocks
from ivyspt.quotes.dividends import read_distributions
from ivyspt.quotes.rates import read_rate_curve
from ivyspt.surfaces.build import build


class Settings(Section):
    """What this stage reads of the configuration."""

    surfaces: Surfaces


def run(settings: Settings, *, quotes: Path, all_points: Path, slices: Path, rejections: Path) -> None:
    """Filter quotes, imply forwards and vols, and write the surfaces' points, their slices and the rejections."""
    table = pl.scan_parquet(require(quotes))
    forwards = settings.surfaces.forwards
    rate_curve, distributions = read_rate_curve(forwards), read_distributions(forwards)
    provenance = {"settings": settings.model_dump(mode="json")}
    rejected = []
    with ExitStack() as stack:
        add_points = stack.enter_context(growing_table(all_points, provenance))
        add_slices = stack.enter_context(growing_table(slices, provenance))
        for block in blocks(table, quotes):
            built = build(block, settings.surfaces, rate_curve, distributions)
            add_points(built.points)
            add_slices(built.slices)
            rejected.append(built.rejections)
        if not rejected:
            raise DataError(f"{quotes}: must hold quotes, got none")
    counted = pl.concat(rejected).group_by(REJECTIONS.key).agg(pl.col("quotes").sum()).sort(REJECTIONS.key)
    write_table(counted, rejections, provenance)
