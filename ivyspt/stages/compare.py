"""All methods side by side, each against the reference."""

from pathlib import Path

import polars as pl

from ivyspt.artefacts import read_table, write_table
from ivyspt.config import Evaluation, Section
from ivyspt.evaluation.audit import AUDIT
from ivyspt.evaluation.comparison import compare
from ivyspt.evaluation.metrics import ERRORS
from ivyspt.evaluation.surface_values import surface_values


class Settings(Section):
    """What the stage reads of the configuration."""

    evaluation: Evaluation


def run(settings: Settings, *, errors: list[Path], audits: list[Path], comparison: Path) -> None:
    """Set every method against the reference, with the days of the test as blocks."""
    measured = surface_values(
        pl.concat([read_table(path, ERRORS) for path in errors]),
        pl.concat([read_table(path, AUDIT) for path in audits]),
    )
    provenance = {"settings": settings.model_dump(mode="json")}
    write_table(compare(measured, settings.evaluation), comparison, provenance)
