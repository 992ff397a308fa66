"""The packaged flagship as it comes, trained on other data: a row beside the methods of a study."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np

from ivyspt.completion import Completion, Context, Targets
from ivyspt.inference.engine import load_engine
from ivyspt.mixture.answers import Quoted


class Packaged:
    """Answers by weights that come with the package; nothing is learnt from a study's days.

    With `market` the study's market features are given, which is right where none of them is a proxy.
    """

    def __init__(self, weights: str, market: bool):
        self.market = market
        self.engine, _ = load_engine(Path(str(resources.files("ivyspt") / "weights" / f"{weights}.safetensors")))

    def fit(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        """Do nothing."""

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """Complete one surface; half-spreads are unknown here."""
        unknown = np.full(len(context.implied_vol), np.nan)
        market = context.market if self.market else np.full(3, np.nan)
        quoted = Quoted(context.log_moneyness, context.time_to_maturity, context.implied_vol, unknown, market)
        found = self.engine.answer(quoted, log_moneyness, time_to_maturity)
        return Completion(found.implied_vol, found.w_k, found.w_kk, found.w_tau)
