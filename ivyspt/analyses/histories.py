"""Histories of trainings, side by side."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from ivyspt.losses.objective import NAMES

Key = tuple[str, int, str]  # run, seed and phase


def epochs(histories: Mapping[Key, pl.DataFrame]) -> pl.DataFrame:
    """Mean of each loss and split in each epoch, from 1, and the weight that it ended with."""
    columns = ["split", "loss", "value", "weight"]
    return _together(histories, "epoch").select("run", "seed", "phase", pl.col("epoch") + 1, *columns)


def steps(histories: Mapping[Key, pl.DataFrame]) -> pl.DataFrame:
    """Every step, from 1: each loss of the batch, its weight after the step, and what GradNorm measured.

    `gradient_norm` is the norm of the weighted loss's gradient at the last shared layer, `target_norm` what GradNorm
    moves it to; both are null where the weights are fixed.
    """
    columns = [
        "loss",
        "value",
        "weight",
        pl.col("norms").alias("gradient_norm"),
        pl.col("targets").alias("target_norm"),
    ]
    return _together(histories, "step").select("run", "seed", "phase", pl.col("step") + 1, *columns)


def final_weights(history: pl.DataFrame) -> np.ndarray:
    """Weights of the three losses at the end of a phase, in the order of `NAMES`."""
    last = history.filter(pl.col("record") == "epoch").unique("loss", keep="last", maintain_order=True)
    weights = dict(last.select("loss", "weight").iter_rows())
    return np.array([weights[name] for name in NAMES])


def _together(histories: Mapping[Key, pl.DataFrame], record: str) -> pl.DataFrame:
    return pl.concat(
        history.filter(pl.col("record") == record).with_columns(
            run=pl.lit(run), seed=pl.lit(seed, pl.Int64), phase=pl.lit(phase)
        )
        for (run, seed, phase), history in histories.items()
    )
