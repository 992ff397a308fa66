"""What every method is given and what it returns, whether ours or a peer's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

Intervals = Mapping[int, tuple[np.ndarray, np.ndarray]]
MONEY_POINTS = 3  # the points nearest to the money whose vols stand for the at-the-money vol


@dataclass(frozen=True)
class Context:
    """The visible points of one surface, and the market as of its quote time.

    Arrays have one entry a point. `market` holds the market return, the market's vol and the treasury rate (decimals;
    NaN where unknown). `half_spread` is half of ask less bid, in vol (NaN where a point has none), and `previous` holds
    the visible points of the symbol's surface of the trading day before, where there is one: both are public at the
    quote time, but used by no method that does not say so.
    """

    surface_id: str
    symbol: str
    log_moneyness: np.ndarray
    time_to_maturity: np.ndarray
    implied_vol: np.ndarray
    market: np.ndarray
    previous: "Context | None" = None
    half_spread: np.ndarray | None = None

    @property
    def at_the_money_vol(self) -> float:
        """Median vol of the three context points that are nearest to the money in k / sqrt(tau)."""
        distance = np.abs(self.log_moneyness) / np.sqrt(self.time_to_maturity)
        return float(np.median(self.implied_vol[np.lexsort((self.implied_vol, distance))[:MONEY_POINTS]]))


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
    none of its own. `intervals` holds, by level in percent, the lower and upper bounds between which a quote's vol is
    said to lie; None where a method says nothing of its error.
    """

    implied_vol: np.ndarray
    w_k: np.ndarray | None = None
    w_kk: np.ndarray | None = None
    w_tau: np.ndarray | None = None
    intervals: Intervals | None = None


def interval_columns(intervals: Intervals) -> dict[str, np.ndarray]:
    """Bounds by level as columns `iv_low_90`, `iv_high_90` and so on."""
    return {
        f"iv_{side}_{level}": bound
        for level, bounds in intervals.items()
        for side, bound in zip(("low", "high"), bounds, strict=True)
    }


class Method(Protocol):
    """A way to complete surfaces. Nothing but the context and what `fit` saw may enter an answer."""

    def fit(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        """Learn from surfaces of training days; methods that fit each surface on its own do nothing here."""

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """Implied vol (and derivatives of total variance) at the points asked for."""


@runtime_checkable
class BatchedMethod(Method, Protocol):
    """A method that answers many surfaces at once; each answer is the one `complete` would give on its own."""

    def complete_many(
        self, contexts: Sequence[Context], asked: Sequence[tuple[np.ndarray, np.ndarray]], derivatives: bool = True
    ) -> list[Completion]:
        """Complete each context at its (log_moneyness, time_to_maturity); without `derivatives` only the vols."""
