"""Fine-tuning of trained weights on a study's own training surfaces."""

from collections.abc import Sequence

from ivyspt.completion import Context, Targets
from ivyspt.corpus_config import Corpus
from ivyspt.flagship_config import FlagshipTraining
from ivyspt.mixture.network import FlagshipNetwork
from ivyspt.pretraining.surfaces import RealSurfaces
from ivyspt.pretraining.trainer import RealSource, Sources, train


def fine_tune(
    network: FlagshipNetwork,
    surfaces: Sequence[tuple[Context, Targets]],
    training: FlagshipTraining,
    seed: int,
    market: bool,
) -> None:
    """Train in place on the points of surfaces alone, under the patterns of missing quotes of pre-training.

    Classes of context sizes are cut to what the largest surface has to show and to be asked. Without `market` no visit
    shows the surfaces' market features.
    """
    largest = max(len(targets.implied_vol) for _, targets in surfaces)
    sizes = [(low, min(high, largest - 1)) for low, high in training.context_sizes if low <= largest / 2]
    alone = training.model_copy(update={"real_share": 1.0, "context_sizes": sizes})
    train(network, Sources(Corpus(), {}, [RealSource(RealSurfaces.of(surfaces, market))]), alone, seed)
