"""Intervals around a completed surface, calibrated on days and symbols that no weight was fitted to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ivyspt.columns import LEVELS, DataError
from ivyspt.mixture.answers import Answer, Quoted

UNKNOWN = "unknown"  # kind of quotes
_SHAPE = "shape"
Factors = dict[int, tuple[float, ...]]  # level in percent -> one factor a class of sizes
Shape = tuple[float, float]  # what the logarithm of the scale gains with doubt, and with its square where positive
COUNT_EDGES = (7, 14, 30, 70)  # quotes of the context: sizes between two edges share a factor
LARGEST_DOUBT = 3.0  # on either side
SHAPED_AT = 0.9  # level whose intervals decide the shape
FEWEST_SHAPED, MOST_SHAPED = 2_000, 10_000  # scores that a shape is found from


@dataclass(frozen=True)
class Bands:
    """Factors on the scale of log-vol's error, by kind of quotes, level and size of the context.

    How much wider intervals are where the quotes say little is first put right by a shape, one for each kind: a
    quantile regression (Koenker & Bassett 1978, Econometrica 46(1)). Then split conformal prediction within classes
    (Vovk, Gammerman & Shafer 2005, Algorithmic Learning in a Random World, section 4.2), with the absolute error over
    that scale as the score.
    """

    factors: dict[str, Factors]  # by kind; those of `UNKNOWN` stand for any that is not named
    shapes: dict[str, Shape] = field(default_factory=dict)  # none: the scale is right as it is

    @classmethod
    def of_all(cls, factors: Factors, shape: Shape) -> "Bands":
        """The same for any kind of quotes."""
        return cls({UNKNOWN: factors}, {UNKNOWN: shape})

    def as_json(self) -> dict[str, dict[str, list[float]]]:
        """What `bands_of` reads again."""
        found = {
            kind: {str(level): list(row) for level, row in factors.items()} for kind, factors in self.factors.items()
        }
        for kind, shape in self.shapes.items():
            found[kind][_SHAPE] = list(shape)
        return found

    def around(self, found: Answer, quoted: Quoted) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """Bounds of the intervals at an answer's targets, by level."""
        kind = quoted.kind if quoted.kind in self.factors else UNKNOWN
        size = size_class(len(quoted.implied_vol))
        scale = found.scale * _stretch(found.doubt, self.shapes.get(kind, (0.0, 0.0)))
        reaches = {level: self.factors[kind][level][size] * scale for level in LEVELS}
        return {
            level: (found.implied_vol * np.exp(-reach), found.implied_vol * np.exp(reach))
            for level, reach in reaches.items()
        }


def size_class(count: int) -> int:
    """Which class of context sizes a count falls into."""
    return int(np.searchsorted(COUNT_EDGES, count, side="right"))


def _features(doubt: np.ndarray) -> np.ndarray:
    bounded = np.clip(doubt, -LARGEST_DOUBT, LARGEST_DOUBT)
    return np.stack((bounded, np.square(np.maximum(bounded, 0))), -1)


def _stretch(doubt: np.ndarray, shape: Shape) -> np.ndarray:
    return np.exp(_features(doubt) @ np.array(shape))


def calibrate(scores: np.ndarray, counts: np.ndarray, doubts: np.ndarray) -> tuple[Factors, Shape]:
    """The shape, and factors that make intervals cover their level of the scores |log-vol error| / scale by class."""
    classes = np.array([size_class(count) for count in counts])
    shape = _shape_of(scores, classes, doubts)
    scores = scores / _stretch(doubts, shape)
    factors: Factors = {}
    for level in LEVELS:
        row = []
        for number in range(len(COUNT_EDGES) + 1):
            own = scores[classes == number] if (classes == number).any() else scores
            rank = min(1.0, np.ceil((len(own) + 1) * level / 100) / len(own))
            row.append(float(np.quantile(own, rank, method="higher")))
        factors[level] = tuple(row)
    return factors, shape


def _shape_of(scores: np.ndarray, classes: np.ndarray, doubts: np.ndarray) -> Shape:
    if len(scores) < FEWEST_SHAPED:
        return 0.0, 0.0
    from sklearn.linear_model import QuantileRegressor  # noqa: PLC0415  for which completing need not wait

    chosen = np.random.default_rng(0).permutation(len(scores))[:MOST_SHAPED]
    by_class = classes[chosen, None] == np.unique(classes)[1:]
    features = np.column_stack((_features(doubts[chosen]), by_class))
    target = np.log(np.maximum(scores[chosen], np.finfo(float).tiny))
    found = QuantileRegressor(quantile=SHAPED_AT, alpha=0, solver="highs").fit(features, target)
    return float(found.coef_[0]), float(found.coef_[1])


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
    shapes = {kind: tuple(rows[_SHAPE]) for kind, rows in kinds.items() if _SHAPE in rows}
    factors = {
        kind: {int(level): tuple(row) for level, row in rows.items() if level != _SHAPE} for kind, rows in kinds.items()
    }
    return Bands(factors, shapes)
