"""Sensitivity of a model's answers to the market features."""

from pathlib import Path

import polars as pl
import torch

from ivyspt.analyses.judged import TIERS, judged_tasks
from ivyspt.analyses.sensitivity import derivative_table, gate_table, permutation_table
from ivyspt.analysis_config import Sensitivity, Tier
from ivyspt.artefacts import read_table, write_table
from ivyspt.columns import MARKET_FEATURES, MASKS, SPLIT, TIERED_POINTS
from ivyspt.config import Section
from ivyspt.training.checkpoint import load_weights


class Settings(Section):
    """What the stage reads of the configuration."""

    masks: dict[Tier, list[str]]
    sensitivity: Sensitivity


def run(
    settings: Settings,
    *,
    weights: Path,
    points: Path,
    market_features: Path,
    split: Path,
    masks: Path,
    run: str,
    phase: str,
    seed: int,
    derivatives: Path,
    permutations: Path,
    gates: Path,
) -> None:
    """Differentiate the answers by each market feature, permute the features over days, and read the gates.

    On every validation and test surface of the tier that the phase trains on, in float64.
    """
    torch.set_num_threads(1)
    tables = [read_table(points, TIERED_POINTS), read_table(market_features, MARKET_FEATURES), read_table(split, SPLIT)]
    tier = TIERS[phase]
    tasks = judged_tasks(*tables, read_table(masks, MASKS), tier, settings.masks[tier])
    model = load_weights(weights).double().requires_grad_(False)
    provenance = {"settings": settings.model_dump(mode="json"), "run": run, "seed": seed}
    for table, path in (
        (derivative_table(model, tasks), derivatives),
        (permutation_table(model, tasks, settings.sensitivity), permutations),
        (gate_table(model, tasks), gates),
    ):
        labelled = table.select(pl.lit(run).alias("run"), pl.lit(seed, pl.UInt32).alias("seed"), pl.all())
        write_table(labelled, path, provenance)
