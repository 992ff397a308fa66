"""What every method is given and what it returns, whether ours or a peer's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Context:
    """The visible points of one surface, and the market as of its quote time.

    Arrays have one entry a point. `market` holds the market return, the market's vol and the treasury rate (decimals;
    NaN where unknown).
    """

    surface_id: str
    symbol: str
    log_moneyness: np.ndarray
    time_to_maturity: np.ndarray
    implied_vol: np.ndarray
    market: np.ndarray


@dataclass(frozen=True)
class Targets:
    """The points of one surface that are asked of a method; `implied_vol` is NaN where nothing is quoted."""

    log_moneyness: np.ndarray
    time_to_maturity: np.ndarray
    implied_vol: np.ndarray


@dataclass(frozen=True)
class Completion:
    """A method's answer at the targets of one surface.

    `implied_vol` is NaN where the method cannot answer. The derivatives of total variance are None where a method has
    none of its own.
    """

    implied_vol: np.ndarray
    w_k: np.ndarray | None = None
    w_kk: np.ndarray | None = None
    w_tau: np.ndarray | None = None


class Method(Protocol):
    """A way to complete surfaces. Nothing but the context and what `fit` saw may enter an answer."""

    def fit(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        """Learn from surfaces of training days; methods that fit each surface on its own do nothing here."""

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """Implied vol (and derivatives of total variance) at the points asked for."""
