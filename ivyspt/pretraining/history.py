"""Intervals from one's own earlier surfaces."""

from pathlib import Path

import polars as pl

from ivyspt.columns import DataError
from ivyspt.flagship_config import FlagshipTraining
from ivyspt.mixture.bands import UNKNOWN, Bands
from ivyspt.mixture.quotes import MARKET
from ivyspt.mixture.weights import load_flagship
from ivyspt.pretraining.scores import calibrated_on
from ivyspt.pretraining.surfaces import ALWAYS, RealSurfaces

FEWEST = 200  # quotes of the history: the 90 % factor of fewer would hang on a handful
BATCHES = 4  # of each class of context sizes; those of many quotes take a quarter of a minute each
OPTIONAL = ("implied_vol_bid", "implied_vol_ask", *MARKET, "quote_kind")


def bands_from(weights: Path, history: pl.DataFrame, seed: int = 0) -> Bands:
    """Hide quotes of a history's surfaces, under the patterns of training, and see how far off completions are.

    Raises
    ------
    DataError
        The history has too few quotes, or quotes of several kinds.
    """
    if history.height < FEWEST:
        raise DataError(f"history: must have at least {FEWEST} quotes, got {history.height}")
    table = history.with_columns(pl.lit(None).alias(name) for name in OPTIONAL if name not in history.columns)
    kinds = table["quote_kind"].unique().to_list()
    if len(kinds) > 1:
        raise DataError(f"history: must be of one quote_kind, got {', '.join(sorted(map(str, kinds)))}")
    points = table.with_columns(point=pl.int_range(pl.len()).over("surface_id"))
    features = table.group_by("surface_id").first().select("surface_id", *MARKET)
    surfaces = RealSurfaces(points, features, True, kinds[0], ALWAYS)
    network, _ = load_flagship(weights)
    budget = FlagshipTraining(steps=1, calibration_batches=BATCHES)
    return Bands({UNKNOWN: calibrated_on(network, surfaces, budget, seed)})
