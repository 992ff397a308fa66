"""What a model's last block attends to."""

from pathlib import Path

import polars as pl
import torch

from ivyspt.analyses.attention import attention_maps, attention_summary
from ivyspt.analyses.judged import TIERS, judged_tasks, named_tasks
from ivyspt.analysis_config import Attention, Tier
from ivyspt.artefacts import read_table, write_table
from ivyspt.columns import MARKET_FEATURES, MASKS, SPLIT, TIERED_POINTS
from ivyspt.config import Section
from ivyspt.training.checkpoint import load_weights


class Settings(Section):
    """What the stage reads of the configuration."""

    masks: dict[Tier, list[str]]
    attention: Attention


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
    maps: Path,
    summary: Path,
) -> None:
    """Map the attention of a few targets on the named surfaces of the phase's tier, and sum up that of all targets."""
    torch.set_num_threads(1)
    tables = [read_table(points, TIERED_POINTS), read_table(market_features, MARKET_FEATURES), read_table(split, SPLIT)]
    tier = TIERS[phase]
    tasks = judged_tasks(*tables, read_table(masks, MASKS), tier, settings.masks[tier])
    model = load_weights(weights).double()
    named = named_tasks(tasks, settings.attention.surfaces, tables[0])
    provenance = {"settings": settings.model_dump(mode="json"), "run": run, "seed": seed}
    for table, path in (
        (attention_maps(model, named, settings.attention.targets), maps),
        (attention_summary(model, tasks), summary),
    ):
        labelled = table.select(pl.lit(run).alias("run"), pl.lit(seed, pl.UInt32).alias("seed"), pl.all())
        write_table(labelled, path, provenance)
