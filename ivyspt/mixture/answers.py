"""What the flagship is given and what it returns, for one surface, in plain arrays."""

from dataclasses import dataclass, replace

import numpy as np

from ivyspt.flagship_config import QUOTE_KINDS
from ivyspt.mixture.typical import LARGEST_CONTEXT


@dataclass(frozen=True)
class Quoted:
    """The quotes of one surface.

    Half-spreads (in vol) and the market are NaN where unknown, `kind` is None or one of `QUOTE_KINDS`.
    """

    log_moneyness: np.ndarray
    time_to_maturity: np.ndarray
    implied_vol: np.ndarray
    half_spread: np.ndarray
    market: np.ndarray
    kind: str | None = None

    @property
    def kind_number(self) -> int:
        """The kind as the network counts it."""
        return 0 if self.kind is None else 1 + QUOTE_KINDS.index(self.kind)

    def thinned(self) -> "Quoted":
        """No more quotes than are read, even in the order of maturity and moneyness."""
        size = len(self.log_moneyness)
        if size <= LARGEST_CONTEXT:
            return self
        order = np.lexsort((self.log_moneyness, self.time_to_maturity))
        kept = order[np.linspace(0, size - 1, LARGEST_CONTEXT).round().astype(int)]
        names = ("log_moneyness", "time_to_maturity", "implied_vol", "half_spread")
        return replace(self, **{name: getattr(self, name)[kept] for name in names})


@dataclass(frozen=True)
class Answer:
    """Vol, total variance and its derivatives, Durrleman's g and the scale of log-vol's error, one entry a target."""

    implied_vol: np.ndarray
    total_variance: np.ndarray
    w_k: np.ndarray
    w_kk: np.ndarray
    w_tau: np.ndarray
    durrleman_g: np.ndarray
    scale: np.ndarray
