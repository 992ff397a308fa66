"""The packaged flagship, trained on other data: as it comes, or fine-tuned on a study's training days."""

from collections.abc import Sequence

import numpy as np

from ivyspt.columns import DataError
from ivyspt.completion import Completion, Context, Targets
from ivyspt.flagship_config import QUOTE_KINDS, FlagshipTraining
from ivyspt.inference.engine import Engine, find_weights, load_engine
from ivyspt.mixture.answers import Quoted
from ivyspt.mixture.bands import UNKNOWN, Bands, bands_of
from ivyspt.mixture.weights import load_flagship
from ivyspt.pretraining.fine_tuning import fine_tune
from ivyspt.pretraining.scores import calibrated_on
from ivyspt.pretraining.surfaces import ALWAYS, RealSurfaces
from ivyspt.tensors import arrays_of

RECALIBRATION_BATCHES = 6  # of each class of context sizes
AVERAGING = 0.98  # of the exponential average of the weights, over tens of steps
SHOWN, HIDDEN, SHUFFLED = "shown", "hidden", "of_other_days"
_SHUFFLE = 20260526  # seed of the days that are drawn


class Packaged:
    """Answers by weights that come with the package, or by those of a `.safetensors` file.

    `market` says what it is given of the study's market features: they are "shown", which is right where none of them
    is a proxy; "hidden"; or "of_other_days", those of a training day at random, by which one sees whether it is the
    day's own that help. `kind` says what its quotes are (`ivyspt.flagship_config.QUOTE_KINDS`), which a peer learns by
    tuning its noise; `bid_ask` whether half-spreads, of which no peer knows, are "shown" or "hidden". Without `steps` a
    study's days teach it nothing else; with them it is fine-tuned by so many, `learning_rate` the highest rate, and
    states no intervals then, since none were calibrated. With `recalibrated` its intervals are those of each symbol's
    own training days.
    """

    def __init__(
        self,
        weights: str,
        market: str,
        kind: str | None = None,
        bid_ask: str = HIDDEN,
        recalibrated: bool = False,
        steps: int = 0,
        learning_rate: float = 3e-4,
    ):
        if kind not in (None, *QUOTE_KINDS):
            raise DataError(f"packaged: kind must be null, {', '.join(QUOTE_KINDS)}, got {kind!r}")
        if bid_ask not in (SHOWN, HIDDEN):
            raise DataError(f"packaged: bid_ask must be {SHOWN} or {HIDDEN}, got {bid_ask!r}")
        if market not in (SHOWN, HIDDEN, SHUFFLED):
            raise DataError(f"packaged: market must be {SHOWN}, {HIDDEN} or {SHUFFLED}, got {market!r}")
        self.market, self.kind, self.bid_ask = market, kind, bid_ask
        if recalibrated and steps:
            raise DataError("packaged: fine-tuned weights cannot be recalibrated on the same days, got both")
        self.recalibrated, self.steps, self.learning_rate = recalibrated, steps, learning_rate
        self.weights = find_weights(weights)
        self.engine, header = load_engine(self.weights)
        self.bands = None if steps else bands_of(header, self.weights)
        self.bands_by_symbol: dict[str, Bands] = {}
        self.days = np.full((1, 3), np.nan)  # market features of the training days

    def fit(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        """Fine-tune from the packaged weights, or recalibrate their intervals, where that is asked for."""
        if training:
            self.days = np.unique([context.market for context, _ in training], axis=0)
        if self.recalibrated:
            self._recalibrate(training, seed)
        if not self.steps:
            return
        network, _ = load_flagship(self.weights)
        warmup = max(1, self.steps // 10)
        settings = FlagshipTraining(
            steps=self.steps, learning_rate=self.learning_rate, warmup_steps=warmup, averaging=AVERAGING
        )
        fine_tune(network, training, settings, seed, self.market == SHOWN)
        self.engine = Engine(arrays_of(network.state_dict()), network.settings)

    def complete(self, context: Context, log_moneyness: np.ndarray, time_to_maturity: np.ndarray) -> Completion:
        """Complete one surface."""
        quoted = Quoted(
            context.log_moneyness,
            context.time_to_maturity,
            context.implied_vol,
            self._half_spread(context),
            self._market(context),
            self.kind,
        )
        found = self.engine.answer(quoted, log_moneyness, time_to_maturity)
        bands = self.bands_by_symbol.get(context.symbol, self.bands)
        intervals = None if bands is None else bands.around(found, quoted)
        return Completion(found.implied_vol, found.w_k, found.w_kk, found.w_tau, intervals)

    def _recalibrate(self, training: Sequence[tuple[Context, Targets]], seed: int) -> None:
        network, _ = load_flagship(self.weights)
        budget = FlagshipTraining(steps=1, calibration_batches=RECALIBRATION_BATCHES)
        for symbol in sorted({context.symbol for context, _ in training}):
            own = [pair for pair in training if pair[0].symbol == symbol]
            surfaces = RealSurfaces.of(own, self.market != HIDDEN, self.kind, ALWAYS)
            self.bands_by_symbol[symbol] = Bands({UNKNOWN: calibrated_on(network, surfaces, budget, seed)})

    def _half_spread(self, context: Context) -> np.ndarray:
        if self.bid_ask == HIDDEN or context.half_spread is None:
            return np.full(len(context.implied_vol), np.nan)
        return np.where(context.half_spread > 0, context.half_spread, np.nan)

    def _market(self, context: Context) -> np.ndarray:
        if self.market == SHOWN:
            return context.market
        if self.market == HIDDEN:
            return np.full(3, np.nan)
        own = np.frombuffer(context.market.tobytes(), np.uint32)  # surfaces of one day are shown the same other day
        return self.days[np.random.default_rng([_SHUFFLE, *own]).integers(len(self.days))]
