"""Train one trial of the hyper-parameter search and measure it on validation surfaces."""

from pathlib import Path

import polars as pl
import torch

from ivyspt.analyses.search import judged, searched, subset
from ivyspt.analysis_config import Subset
from ivyspt.artefacts import write_table
from ivyspt.config import Losses, Masking, Model, Section, Training
from ivyspt.model.ivyspt import IvySPT
from ivyspt.training.loop import Plan, train
from ivyspt.training.phases import HISTORY, read_tables, surfaces_of


class Settings(Section):
    """What the stage reads of the configuration; model and training hold the trial's values."""

    subset: Subset
    model: Model
    losses: Losses
    training: Training
    masking: Masking


def run(
    settings: Settings,
    *,
    points: Path,
    market_features: Path,
    split: Path,
    clusters: Path,
    trial: str,
    losses: Path,
) -> None:
    """Train on a share of the surfaces, taken from training days, and validate on as many of validation days."""
    torch.set_num_threads(settings.training.threads)
    read, *others = read_tables(points, market_features, split, clusters, settings.masking)
    read = read.filter(pl.col("tier").is_in(settings.subset.tiers))
    parts, whole = [], read["surface_id"].n_unique()
    for part in ("train", "validation"):
        of_tiers = [surfaces_of(tier, part, read, *others, settings.masking) for tier in settings.subset.tiers]
        parts.append(subset([surface for tier in of_tiers for surface in tier], whole, part, settings.subset))
    seed, phase = settings.subset.seed, settings.training.pretrain
    model = IvySPT(settings.model, torch.Generator().manual_seed(seed))
    plan = Plan(phase, settings.training, settings.losses, settings.masking, seed, number=0, name=f"trial {trial}")
    history = pl.DataFrame(train(model, *parts, plan), schema=HISTORY)
    named = {"trial": trial, **searched(settings.model, phase), "seed": seed}
    named |= {"parameters": sum(parameter.numel() for parameter in model.parameters())}
    named |= dict(zip(("training_surfaces", "validation_surfaces"), map(len, parts), strict=True))
    columns = [pl.lit(value).alias(name) for name, value in named.items()]
    epochs = history.filter(pl.col("record") == "epoch")
    table = epochs.select(*columns, pl.col("epoch") + 1, "split", "loss", "value")
    found = judged(model, parts[1], settings.masking, settings.losses, settings.training, seed)
    end = table.filter((pl.col("split") == "validation") & (pl.col("epoch") == phase.epochs))
    table = pl.concat([table, end.with_columns(split=pl.lit("judged"), value=pl.col("loss").replace_strict(found))])
    write_table(table, losses, {"settings": settings.model_dump(mode="json"), "trial": trial})
