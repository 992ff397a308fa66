"""The settings of a baseline, chosen on validation days for each size of context."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import product

import numpy as np

from ivyspt.columns import DataError
from ivyspt.completion import BatchedMethod, Completion, Context, Method, Targets

Surfaces = Sequence[tuple[Context, Targets]]


class Tuned:
    """One method a class of context sizes: `bounds` are the largest contexts of each class but the last."""

    def __init__(self, bounds: Sequence[int], methods: Sequence[Method]) -> None:
        self.bounds, self.methods = list(bounds), list(methods)

    def fit(self, training: Surfaces, seed: int) -> None:
        """Do nothing: the methods come fitted."""

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """Answer by the method that was chosen for contexts of this size."""
        return self._method(context).complete(context, log_moneyness, time_to_maturity)

    def complete_many(
        self, contexts: Sequence[Context], asked: Sequence[tuple[np.ndarray, np.ndarray]], derivatives: bool = True
    ) -> list[Completion]:
        """Answer many surfaces, each by the method for its size."""
        answers: list[Completion | None] = [None] * len(contexts)
        chosen = [self._method(context) for context in contexts]
        for method in {id(each): each for each in chosen}.values():
            mine = [i for i, each in enumerate(chosen) if each is method]
            answered = complete_many(method, [contexts[i] for i in mine], [asked[i] for i in mine], derivatives)
            for i, answer in zip(mine, answered, strict=True):
                answers[i] = answer
        return answers

    def _method(self, context: Context) -> Method:
        return self.methods[bisect_left(self.bounds, context.implied_vol.size)]


def complete_many(
    method: Method,
    contexts: Sequence[Context],
    asked: Sequence[tuple[np.ndarray, np.ndarray]],
    derivatives: bool = True,
) -> list[Completion]:
    """Answers of any method, all at once where it can, else one surface after the other."""
    if contexts and isinstance(method, BatchedMethod):
        return method.complete_many(contexts, asked, derivatives)
    return [method.complete(context, *points) for context, points in zip(contexts, asked, strict=True)]


def combinations(candidates: dict[str, list]) -> Iterator[dict]:
    """Every combination of the candidate values."""
    for values in product(*candidates.values()):
        yield dict(zip(candidates, values, strict=True))


def tune(
    build: Callable[[dict], Method],
    candidates: dict[str, list],
    training: Surfaces,
    validation: Surfaces,
    *,
    bounds: Sequence[int],
    failure_error: float,
    seed: int,
) -> tuple[Tuned, list[dict]]:
    """Fit every combination of candidates and keep, for each class of context sizes, the one of least error.

    The error is the mean over validation surfaces of the root mean squared error of vol; a point without an answer
    counts `failure_error`. A class that no validation surface falls into takes the least error over all of them.

    Returns
    -------
    The tuned method, and a row for each class: most context points (None for the last), surfaces that chose, error
    (decimal vol) and chosen values.

    Raises
    ------
    DataError
        There is no validation surface to choose by.
    """
    if not validation:
        raise DataError("baselines must have validation surfaces to choose their settings by, got none")
    combos = list(combinations(candidates))
    methods = [build(values) for values in combos]
    errors = np.empty((len(combos), len(validation)))
    for row, method in enumerate(methods):
        method.fit(training, seed)
        errors[row] = surface_errors(method, validation, failure_error)
    size_class = np.array([bisect_left(bounds, context.implied_vol.size) for context, _ in validation])
    best, report = [], []
    for number, most in enumerate([*bounds, None]):
        members = size_class == number
        mean = errors[:, members if members.any() else slice(None)].mean(axis=1)
        best.append(int(mean.argmin()))
        report.append(
            {
                "most_context_points": most,
                "validation_surfaces": int(members.sum()),
                "error": float(mean.min()),
                "values": combos[best[-1]],
            }
        )
    return Tuned(bounds, [methods[i] for i in best]), report


def surface_errors(method: Method, surfaces: Surfaces, failure_error: float) -> np.ndarray:
    """Root mean squared error of vol of each surface; a point without an answer counts `failure_error`."""
    asked = [(targets.log_moneyness, targets.time_to_maturity) for _, targets in surfaces]
    answers = complete_many(method, [context for context, _ in surfaces], asked, derivatives=False)
    errors = []
    for answer, (_, targets) in zip(answers, surfaces, strict=True):
        error = np.where(np.isfinite(answer.implied_vol), answer.implied_vol - targets.implied_vol, failure_error)
        errors.append(np.sqrt(np.mean(error**2)))
    return np.array(errors)
