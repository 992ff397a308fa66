"""Hyper-parameter search: what trials learn from and how they are ranked (paper, Hyperparameter Search)."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import torch

from ivyspt.analyses.samples import drawn
from ivyspt.analysis_config import Subset
from ivyspt.batches.surface import Surface
from ivyspt.config import Losses, Masking, Model, Phase, Training
from ivyspt.generators import generator_of
from ivyspt.losses.objective import NAMES, objective
from ivyspt.model.ivyspt import IvySPT
from ivyspt.training.sampling import batches

MODEL, PHASE = ("blocks", "dimension", "dropout"), ("learning_rate", "batch_size")
JUDGED_TOGETHER = 32  # surfaces in a batch
SEARCHED = ("blocks", "dimension", "learning_rate", "batch_size", "dropout")


def subset(surfaces: Sequence[Surface], whole: int, part: str, settings: Subset) -> list[Surface]:
    """The share of a data set of `whole` surfaces that trials see of a part of the split, drawn by the seed.

    The same for every trial; all of the part where it holds fewer.
    """
    return drawn(surfaces, max(1, round(settings.share * whole)), generator_of(settings.seed, "search", part))


def searched(model: Model, phase: Phase) -> dict[str, float | int]:
    """The hyper-parameters of a trial."""
    values = {name: getattr(model, name) for name in MODEL} | {name: getattr(phase, name) for name in PHASE}
    return {name: values[name] for name in SEARCHED}


def judged(
    model: IvySPT, surfaces: Sequence[Surface], masking: Masking, losses: Losses, training: Training, seed: int
) -> dict[str, float]:
    """Three losses on surfaces whose masks, batches and collocation points are the same for every trial.

    The validation of a training draws its points batch by batch, so that trials of different batch sizes would be
    asked at different ones.
    """
    model = model.to(torch.device("cpu")).eval()
    generator, draws = generator_of(seed, "search", "judged"), torch.Generator().manual_seed(seed)
    totals = np.zeros(len(NAMES))
    with torch.no_grad():
        for batch in batches(surfaces, masking, JUDGED_TOGETHER, training.targets_per_surface, generator):
            moved = batch.to(torch.device("cpu"), next(model.parameters()).dtype)
            totals += len(batch.present) * objective(model, moved, losses, draws).losses.double().numpy()
    return dict(zip(NAMES, (totals / len(surfaces)).tolist(), strict=True))


def rank(trials: pl.DataFrame) -> pl.DataFrame:
    """One row a trial, the best first: its losses on the validation surfaces after the last epoch, and its mean rank.

    Trials are ranked by each of the three losses, 1 the lowest, equal losses sharing the mean of their ranks; the mean
    over the losses decides, and the fit loss between equals.
    """
    last = trials.filter((pl.col("split") == "judged") & (pl.col("epoch") == pl.col("epoch").max().over("trial")))
    ranked = last.with_columns(rank=pl.col("value").rank("average").over("loss"))
    named = ["trial", *SEARCHED, "parameters", "training_surfaces", "validation_surfaces", "seed"]
    return (
        ranked.pivot("loss", index=named, values=["value", "rank"])
        .with_columns(mean_rank=pl.mean_horizontal(f"rank_{loss}" for loss in ("fit", "calendar", "butterfly")))
        .sort("mean_rank", "value_fit", "trial")
    )


def chosen(ranking: pl.DataFrame) -> dict:
    """The best trial's hyper-parameters as the keys of a configuration."""
    best = ranking.select(SEARCHED).row(0, named=True)
    return {
        "model": {name: best[name] for name in MODEL},
        "training": {"pretrain": {name: best[name] for name in PHASE}},
    }
