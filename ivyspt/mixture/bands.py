"""Intervals around a completed surface, calibrated on days and symbols that no weight was fitted to."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ivyspt.columns import LEVELS, DataError
from ivyspt.mixture.answers import Answer, Quoted

UNKNOWN = "unknown"  # kind of quotes
Factors = dict[int, tuple[float, ...]]  # level in percent -> one factor a class of sizes
COUNT_EDGES = (7, 14, 30, 70)  # quotes of the context: sizes between two edges share a factor


@dataclass(frozen=True)
class Bands:
    """Factors on the scale of log-vol's error, by kind of quotes, level and size of the context.

    Split conformal prediction within classes: Vovk, Gammerman & Shafer (2005), Algorithmic Learning in a Random World,
    section 4.2, with the absolute error over the model's own scale as the score.
    """

    factors: dict[str, Factors]  # by kind; those of `UNKNOWN` stand for any that is not named

    def as_json(self) -> dict[str, dict[str, list[float]]]:
        """What `bands_of` reads again."""
        return {
            kind: {str(level): list(row) for level, row in factors.items()} for kind, factors in self.factors.items()
        }

    def around(self, found: Answer, quoted: Quoted) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """Bounds of the intervals at an answer's targets, by level."""
        factors = self.factors.get(quoted.kind or UNKNOWN, self.factors[UNKNOWN])
        size = size_class(len(quoted.implied_vol))
        reaches = {level: factors[level][size] * found.scale for level in LEVELS}
        return {
            level: (found.implied_vol * np.exp(-reach), found.implied_vol * np.exp(reach))
            for level, reach in reaches.items()
        }


def size_class(count: int) -> int:
    """Which class of context sizes a count falls into."""
    return int(np.searchsorted(COUNT_EDGES, count, side="right"))


def calibrate(scores: np.ndarray, counts: np.ndarray) -> Factors:
    """Factors that make intervals cover their level of the scores |log-vol error| / scale, class by class."""
    classes = np.array([size_class(count) for count in counts])
    factors: Factors = {}
    for level in LEVELS:
        row = []
        for number in range(len(COUNT_EDGES) + 1):
            own = scores[classes == number] if (classes == number).any() else scores
            rank = min(1.0, np.ceil((len(own) + 1) * level / 100) / len(own))
            row.append(float(np.quantile(own, rank, method="higher")))
        factors[level] = tuple(row)
    return factors


def bands_of(header: Mapping, path: Path) -> Bands:
    """The bands in the header of a file of weights.

    Raises
    ------
    DataError
        It has none: the weights were never calibrated.
    """
    if "bands" not in header:
        raise DataError(f"{path}: weights must carry calibrated bands, got none")
    kinds = header["bands"] if UNKNOWN in header["bands"] else {UNKNOWN: header["bands"]}  # `panel` has one kind
    return Bands({kind: {int(level): tuple(row) for level, row in factors.items()} for kind, factors in kinds.items()})
