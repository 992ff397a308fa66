"""Yesterday's surface, moved to today's level."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from ivyspt.baselines.flat import Flat
from ivyspt.baselines.gaussian_process import GaussianProcess
from ivyspt.completion import Completion, Context, Targets


class PreviousDay:
    """A Gaussian process through all visible points of the previous trading day, read at today's (k, tau).

    It sees a whole surface that the other methods do not: `Context.previous`, public at the quote time, never a later
    day. A surface without a previous one is answered by its flat at-the-money vol.

    Parameters
    ----------
    update : str
        none: yesterday's vols stand. level: all are multiplied so that the context's mean log vol is met.
    length_z, length_tau, noise : list of float
        Candidates of the process; `ivyspt.baselines.gaussian_process.GaussianProcess` chooses on yesterday's points.
    """

    def __init__(
        self,
        update: Literal["none", "level"],
        length_z: list[float],
        length_tau: list[float],
        noise: list[float],
    ) -> None:
        self.update = update
        self.process = GaussianProcess(length_z, length_tau, noise, ["constant"])
        self.flat = Flat()

    def fit(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        """Do nothing: what is learned is yesterday's surface, which comes with the context."""

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """Read yesterday's surface where asked."""
        return self.complete_many([context], [(log_moneyness, time_to_maturity)])[0]

    def complete_many(
        self, contexts: Sequence[Context], asked: Sequence[tuple[np.ndarray, np.ndarray]], derivatives: bool = True
    ) -> list[Completion]:
        """Read yesterday's surface at the context and where asked, for many surfaces."""
        answers: list[Completion | None] = [None] * len(contexts)
        known = [i for i, context in enumerate(contexts) if context.previous is not None]
        places = [
            tuple(np.concatenate(each) for each in zip(_shown(contexts[i]), asked[i], strict=True)) for i in known
        ]
        read = self.process.complete_many([contexts[i].previous for i in known], places)
        for i, each in zip(known, read, strict=True):
            answers[i] = self._moved(contexts[i], each)
        for i, context in enumerate(contexts):
            if context.previous is None:
                answers[i] = self.flat.complete(context, *asked[i])
        return answers

    def _moved(self, context: Context, read: Completion) -> Completion:
        """The answer behind the context's own points, at today's level."""
        size = context.implied_vol.size
        move = np.log(context.implied_vol / read.implied_vol[:size]).mean() if self.update == "level" else 0.0
        parts = (part[size:] for part in (read.w_k, read.w_kk, read.w_tau))
        return Completion(read.implied_vol[size:] * np.exp(move), *(part * np.exp(2 * move) for part in parts))


def _shown(context: Context) -> tuple[np.ndarray, np.ndarray]:
    return context.log_moneyness, context.time_to_maturity
