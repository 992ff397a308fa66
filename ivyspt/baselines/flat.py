"""One vol for the whole surface."""

from collections.abc import Sequence

import numpy as np

from ivyspt.completion import Completion, Context, Targets


class Flat:
    """The context's at-the-money vol at every strike and maturity: free of arbitrage, and the error to beat first."""

    def fit(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        """Do nothing: there is nothing to learn."""

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """The same vol everywhere."""
        vol = np.full(np.shape(log_moneyness), context.at_the_money_vol)
        return Completion(vol, np.zeros_like(vol), np.zeros_like(vol), vol**2)
