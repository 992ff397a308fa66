"""Set the histories of trainings side by side, by epoch and by step."""

from pathlib import Path

from ivyspt.analyses.histories import epochs as by_epoch
from ivyspt.analyses.histories import steps as by_step
from ivyspt.artefacts import read_frame, write_table
from ivyspt.columns import DataError
from ivyspt.config import Section


class Settings(Section):
    """The stage reads nothing of the configuration."""


def run(settings: Settings, *, histories: list[Path], epochs: Path, steps: Path) -> None:
    """Read histories that lie at `…/RUN/SEED/PHASE_history.parquet`."""
    tables = {}
    for path in histories:
        phase, _, kind = path.stem.partition("_")
        if kind != "history" or not path.parent.name.isdigit():
            raise DataError(f"a history must lie at RUN/SEED/PHASE_history.parquet, got {path}")
        tables[path.parents[1].name, int(path.parent.name), phase] = read_frame(path)
    write_table(by_epoch(tables), epochs)
    write_table(by_step(tables), steps)
