"""Train the flagship on simulated and real surfaces."""

from pathlib import Path

import polars as pl
import torch

from ivyspt.artefacts import read_table, write_table
from ivyspt.columns import MARKET_FEATURES, SPLIT, TIERED_POINTS, DataError
from ivyspt.config import Section
from ivyspt.corpus.pool_file import read_pools
from ivyspt.corpus_config import Corpus
from ivyspt.flagship_config import Flagship, FlagshipTraining
from ivyspt.mixture.network import FlagshipNetwork
from ivyspt.mixture.weights import go_on_from, save_flagship
from ivyspt.pretraining.surfaces import RealSurfaces, Shown
from ivyspt.pretraining.trainer import RealSource, Sources, train


class Settings(Section):
    """What the stage reads of the configuration."""

    flagship: Flagship
    flagship_training: FlagshipTraining
    corpus: Corpus


def run(
    settings: Settings,
    *,
    points: Path,
    market_features: Path,
    split: Path,
    pools: Path,
    seed: int,
    checkpoint: Path,
    weights: Path,
    history: Path,
    companions: list[Path] = (),
) -> None:
    """Train on the training days of the symbols that are not held out; goes on from `checkpoint` if there is one.

    `companions` are points, market features and split of each companion in turn. Of their training days those count
    that precede every validation and test day of the study, since other feeds quote the same names.
    """
    training = settings.flagship_training
    torch.set_num_threads(training.threads)
    table, days = read_table(points, TIERED_POINTS), read_table(split, SPLIT)
    symbols = table["symbol"].unique().sort().to_list()
    held_out = symbols[training.held_out_every - 1 :: training.held_out_every]
    judged_from = days.filter(pl.col("split").is_in(["validation", "test"]))["date"].min()
    rest = 1 - sum(companion.share for companion in training.companions)
    own = _training_days(days)
    shown = Shown(kind=training.kind_shown)
    real = []
    if training.real_share:
        real = [RealSource(_surfaces(table, market_features, own, held_out, True, training.kind, shown), rest)]
    for companion, paths in zip(training.companions, zip(*[iter(companions)] * 3, strict=True), strict=True):
        earlier = _training_days(read_table(paths[2], SPLIT).filter(pl.col("date") < judged_from))
        if earlier.is_empty():
            raise DataError(f"{companion.results}: a companion must have training days before {judged_from}, got none")
        points_lent = read_table(paths[0], TIERED_POINTS)
        lent = _surfaces(points_lent, paths[1], earlier, held_out, companion.market, companion.kind, shown)
        real.append(RealSource(lent, companion.share))
    torch.manual_seed(seed)  # of the initial weights
    network = FlagshipNetwork(settings.flagship)
    if training.start is not None:
        go_on_from(network, Path(training.start.format(seed=seed)), training.fresh_prior)
    progress = train(network, Sources(settings.corpus, read_pools(pools), real), training, seed, checkpoint)
    provenance = {"settings": settings.model_dump(mode="json"), "seed": seed, "held_out_symbols": held_out}
    write_table(pl.DataFrame(progress["history"]), history, provenance)
    save_flagship(network, weights, provenance)


def _training_days(split: pl.DataFrame) -> pl.Series:
    return split.filter(pl.col("split") == "train")["date"]


def _surfaces(
    points: pl.DataFrame,
    market_features: Path,
    days: pl.Series,
    held_out: list[str],
    market: bool,
    kind: str | None,
    shown: Shown,
) -> RealSurfaces:
    """The visible points of some days of the symbols that are not held out."""
    own = points.filter(
        pl.col("visible"), pl.col("quote_time").dt.date().is_in(days.implode()), ~pl.col("symbol").is_in(held_out)
    )
    return RealSurfaces(own, read_table(market_features, MARKET_FEATURES), market, kind, shown)
