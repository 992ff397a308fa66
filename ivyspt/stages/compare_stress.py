"""All methods on days of market stress beside calm days."""

from pathlib import Path

import polars as pl

from ivyspt.analyses.stress import DAYS, compare_conditions
from ivyspt.artefacts import read_table, write_table
from ivyspt.config import Evaluation, Section
from ivyspt.evaluation.audit import AUDIT
from ivyspt.evaluation.metrics import ERRORS
from ivyspt.evaluation.surface_values import surface_values


class Settings(Section):
    """What the stage reads of the configuration."""

    evaluation: Evaluation


def run(settings: Settings, *, errors: list[Path], audits: list[Path], days: Path, comparison: Path) -> None:
    """Set every method's errors on each kind of test day against the reference's, and against its own on calm days."""
    measured = surface_values(
        pl.concat([read_table(path, ERRORS) for path in errors]),
        pl.concat([read_table(path, AUDIT) for path in audits]),
    )
    compared = compare_conditions(measured, read_table(days, DAYS), settings.evaluation)
    write_table(compared, comparison, {"settings": settings.model_dump(mode="json")})
