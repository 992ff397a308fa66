"""How a script ends that cannot go on: in one sentence, as stages do."""

import sys
from pathlib import Path
from types import TracebackType

import polars as pl

from ivyspt.columns import DataError


def fail_in_a_sentence() -> None:
    """Word what data and disks raise in one line; what is a mistake of the script keeps its traceback."""
    sys.excepthook = _say


def _say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, DataError | OSError | pl.exceptions.PolarsError):
        print(f"{Path(sys.argv[0]).stem}: {' '.join(str(error).split())}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)
