"""Fine-tuning of trained weights on a study's own training surfaces."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from ivyspt.completion import Context, Targets
from ivyspt.corpus_config import Corpus
from ivyspt.flagship_config import FlagshipTraining
from ivyspt.mixture.network import FlagshipNetwork
from ivyspt.mixture.quotes import MARKET
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
    train(network, Sources(Corpus(), {}, [RealSource(_in_memory(surfaces, market))]), alone, seed)


def _in_memory(surfaces: Sequence[tuple[Context, Targets]], market: bool) -> RealSurfaces:
    """The surfaces' targets as a table of points, without bid and ask."""
    sizes = [len(targets.implied_vol) for _, targets in surfaces]
    ids = [context.surface_id for context, _ in surfaces]
    columns = {
        name: np.concatenate([getattr(targets, name) for _, targets in surfaces])
        for name in ("log_moneyness", "time_to_maturity", "implied_vol")
    }
    points = pl.DataFrame(columns).with_columns(
        surface_id=pl.Series(np.repeat(ids, sizes)),
        point=pl.Series(np.concatenate([np.arange(size, dtype=np.uint32) for size in sizes])),
        implied_vol_bid=pl.lit(None, pl.Float64),
        implied_vol_ask=pl.lit(None, pl.Float64),
    )
    values = np.array([context.market for context, _ in surfaces])
    features = pl.DataFrame(values, schema=list(MARKET)).with_columns(surface_id=pl.Series(ids))
    return RealSurfaces(points, features, market)
