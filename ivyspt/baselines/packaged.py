"""The packaged flagship, trained on other data: as it comes, or fine-tuned on a study's training days."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np

from ivyspt.completion import Completion, Context, Targets
from ivyspt.flagship_config import FlagshipTraining
from ivyspt.inference.engine import Engine, load_engine
from ivyspt.mixture.answers import Quoted
from ivyspt.mixture.weights import load_flagship
from ivyspt.pretraining.fine_tuning import fine_tune
from ivyspt.tensors import arrays_of

AVERAGING = 0.98  # of the exponential average of the weights, over tens of steps


class Packaged:
    """Answers by weights that come with the package.

    With `market` the study's market features are given, which is right where none of them is a proxy. Without `steps`
    a study's days teach it nothing; with them it is fine-tuned by so many, `learning_rate` the highest rate.
    """

    def __init__(self, weights: str, market: bool, steps: int = 0, learning_rate: float = 3e-4):
        self.market, self.steps, self.learning_rate = market, steps, learning_rate
        self.weights = Path(str(resources.files("ivyspt") / "weights" / f"{weights}.safetensors"))
        self.engine, _ = load_engine(self.weights)

    def fit(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        """Fine-tune from the packaged weights, where steps are asked for."""
        if not self.steps:
            return
        network, _ = load_flagship(self.weights)
        warmup = max(1, self.steps // 10)
        settings = FlagshipTraining(
            steps=self.steps, learning_rate=self.learning_rate, warmup_steps=warmup, averaging=AVERAGING
        )
        fine_tune(network, training, settings, seed, self.market)
        self.engine = Engine(arrays_of(network.state_dict()), network.settings)

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """Complete one surface; half-spreads are unknown here."""
        unknown = np.full(len(context.implied_vol), np.nan)
        market = context.market if self.market else np.full(3, np.nan)
        quoted = Quoted(context.log_moneyness, context.time_to_maturity, context.implied_vol, unknown, market)
        found = self.engine.answer(quoted, log_moneyness, time_to_maturity)
        return Completion(found.implied_vol, found.w_k, found.w_kk, found.w_tau)
