"""Calibrate the flagship's intervals on validation days and pack them with its weights."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import torch

from ivyspt.artefacts import read_table
from ivyspt.columns import MARKET_FEATURES, SPLIT, TIERED_POINTS, DataError
from ivyspt.config import Section
from ivyspt.corpus_config import Corpus
from ivyspt.flagship_config import FlagshipTraining
from ivyspt.mixture.bands import UNKNOWN, Bands, Factors, calibrate
from ivyspt.mixture.weights import load_flagship, save_flagship
from ivyspt.pretraining.scores import band_scores
from ivyspt.pretraining.surfaces import RealSurfaces, Shown

_DRAWS = 0  # every seed of the weights is visited alike, so that their errors compare


class Settings(Section):
    """What the stage reads of the configuration."""

    flagship_training: FlagshipTraining
    corpus: Corpus


def run(
    settings: Settings,
    *,
    weights: Path,
    points: Path,
    market_features: Path,
    split: Path,
    seed: int,
    packed: Path,
    companions: list[Path] = (),
) -> None:
    """Take the scores of contexts of every size and pattern on the validation days, held-out symbols included.

    Each kind of quotes has intervals of its own, on the days of those that have it, and there are those of quotes of
    an unknown kind, on the days of all. Each tier of each study is visited as often, since the intervals have to hold
    in all. `companions` are points, market features and split of each companion in turn, of whose validation days those
    count that precede every test day of the study.
    """
    training = settings.flagship_training
    torch.set_num_threads(training.threads)
    days = read_table(split, SPLIT)
    tested_from = days.filter(pl.col("split") == "test")["date"].min()
    sources = _tiers(points, market_features, days, True, training.kind)
    for companion, paths in zip(training.companions, zip(*[iter(companions)] * 3, strict=True), strict=True):
        earlier = read_table(paths[2], SPLIT).filter(pl.col("date") < tested_from)
        if not (earlier["split"] == "validation").any():
            raise DataError(
                f"{companion.results}: a companion must have validation days before {tested_from}, got none"
            )
        sources += _tiers(paths[0], paths[1], earlier, companion.market, companion.kind)
    network, header = load_flagship(weights)
    generator = torch.Generator().manual_seed(_DRAWS)

    def visit(tiers: list[RealSurfaces]) -> tuple[Factors, float]:
        """Factors, and the median error in relative vol, a geometric mean over sizes and tiers."""
        drawn = [
            band_scores(network, surfaces, settings.corpus.contexts, sizes, training, generator)
            for sizes in training.context_sizes
            for surfaces in tiers
        ]
        scores, counts = (np.concatenate([each[part] for each in drawn]) for part in (0, 1))
        return calibrate(scores, counts), float(np.exp(np.mean([np.log(np.median(each[2])) for each in drawn])))

    found = {UNKNOWN: visit([make(None) for _, make in sources])}
    for told in sorted({kind for kind, _ in sources if kind is not None}):
        found[told] = visit([make(told) for kind, make in sources if kind == told])
    calibration = {"seed": seed, "median_error": {kind: error for kind, (_, error) in found.items()}}
    bands = Bands({kind: factors for kind, (factors, _) in found.items()})
    save_flagship(network, packed, {**header, "calibration": calibration}, bands)


def _tiers(
    points: Path, market_features: Path, days: pl.DataFrame, market: bool, kind: str | None
) -> list[tuple[str | None, Callable[[str | None], RealSurfaces]]]:
    """The kind of the surfaces of each tier's validation days, and what draws from them with a kind told always."""
    chosen = days.filter(pl.col("split") == "validation")["date"]
    table = read_table(points, TIERED_POINTS)
    table = table.filter(pl.col("visible"), pl.col("quote_time").dt.date().is_in(chosen.implode()))
    features = read_table(market_features, MARKET_FEATURES)
    return [
        (kind, partial(RealSurfaces, own, features, market, shown=Shown(kind=1.0)))
        for own in table.partition_by("tier", maintain_order=True)
    ]
