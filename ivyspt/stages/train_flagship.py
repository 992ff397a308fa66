"""Train the flagship on simulated and real surfaces."""

from pathlib import Path

import polars as pl
import torch

from ivyspt.artefacts import read_table, write_table
from ivyspt.columns import MARKET_FEATURES, SPLIT, TIERED_POINTS
from ivyspt.config import Section
from ivyspt.corpus.pool_file import read_pools
from ivyspt.corpus_config import Corpus
from ivyspt.flagship_config import Flagship, FlagshipTraining
from ivyspt.mixture.network import FlagshipNetwork
from ivyspt.mixture.weights import save_flagship
from ivyspt.pretraining.surfaces import RealSurfaces
from ivyspt.pretraining.trainer import Sources, train


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
) -> None:
    """Train on the training days of the symbols that are not held out; goes on from `checkpoint` if there is one."""
    torch.set_num_threads(settings.flagship_training.threads)
    training = settings.flagship_training
    table = read_table(points, TIERED_POINTS)
    days = read_table(split, SPLIT).filter(pl.col("split") == "train")["date"]
    symbols = table["symbol"].unique().sort().to_list()
    held_out = symbols[training.held_out_every - 1 :: training.held_out_every]
    own = table.filter(
        pl.col("visible"), pl.col("quote_time").dt.date().is_in(days.implode()), ~pl.col("symbol").is_in(held_out)
    )
    real = RealSurfaces(own, read_table(market_features, MARKET_FEATURES)) if training.real_share else None
    torch.manual_seed(seed)  # of the initial weights
    network = FlagshipNetwork(settings.flagship)
    progress = train(network, Sources(settings.corpus, read_pools(pools), real), training, seed, checkpoint)
    provenance = {"settings": settings.model_dump(mode="json"), "seed": seed, "held_out_symbols": held_out}
    write_table(pl.DataFrame(progress["history"]), history, provenance)
    save_flagship(network, weights, provenance)
