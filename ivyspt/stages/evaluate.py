"""Errors and arbitrage audit of one method's predictions."""

from pathlib import Path

from ivyspt.artefacts import read_table, write_table
from ivyspt.columns import PREDICTIONS
from ivyspt.config import Evaluation, Masking, Section
from ivyspt.evaluation.audit import audit_surfaces
from ivyspt.evaluation.metrics import bucket_errors, surface_errors


class Settings(Section):
    """What the stage reads of the configuration."""

    masking: Masking
    evaluation: Evaluation


def run(settings: Settings, *, predictions: Path, errors: Path, buckets: Path, audit: Path) -> None:
    """Measure a method's errors by surface and by bucket, and search its surfaces for arbitrage."""
    table, evaluation = read_table(predictions, PREDICTIONS), settings.evaluation
    provenance = {"settings": settings.model_dump(mode="json")}
    write_table(surface_errors(table, evaluation), errors, provenance)
    write_table(bucket_errors(table, evaluation), buckets, provenance)
    write_table(audit_surfaces(table, evaluation, settings.masking.seed), audit, provenance)
