"""Validation and test surfaces as an analysis asks a model about them: in padded batches, in the model's precision."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from ivyspt.batches.batch import Batch, collate
from ivyspt.columns import DataError
from ivyspt.completion import Context, Targets
from ivyspt.evaluation.tasks import Task, masked_surfaces
from ivyspt.model.ivyspt import IvySPT

TIERS = {"pretrain": "liquid", "finetune": "sparse"}  # the weights of a phase answer for the tier they were trained on
LARGEST_BATCH = 32  # surfaces


def judged_tasks(
    points: pl.DataFrame,
    features: pl.DataFrame,
    split: pl.DataFrame,
    masks: pl.DataFrame,
    tier: str,
    preferred: Sequence[str],
) -> list[Task]:
    """Every surface of a tier on the validation and test days, under the first of the preferred masks that it has.

    Tables are as `masked_surfaces` takes them.

    Raises
    ------
    DataError
        The tier has none of the masks.
    """
    of_tier = points.filter(pl.col("tier") == tier)
    own = masks.join(of_tier.select("surface_id").unique(), on="surface_id", how="semi")
    drawn = own["mask"].unique().to_list()
    mask = next((name for name in preferred if name in drawn), None)
    if mask is None:
        raise DataError(
            f"analyses.masks.{tier} must name a mask that the {tier} tier has, {', '.join(sorted(drawn))}, "
            f"got {', '.join(preferred)}"
        )
    chosen = own.filter(pl.col("mask") == mask)
    parts = ("validation", "test")
    return [task for part in parts for task in masked_surfaces(of_tier, features, split, chosen, part)]


def batches(pairs: Sequence[tuple[Context, Targets]], model: IvySPT) -> Iterator[tuple[list[int], Batch]]:
    """Batches of surfaces of like size, each with the places of its surfaces among the pairs."""
    parameter = next(model.parameters())
    order = np.lexsort([[len(x.log_moneyness) for x in side] for side in zip(*pairs, strict=True)])
    for start in range(0, len(order), LARGEST_BATCH):
        places = order[start : start + LARGEST_BATCH].tolist()
        yield places, collate([pairs[place] for place in places]).to(parameter.device, parameter.dtype)


def require_function(model: IvySPT) -> None:
    """Refuse a model whose answer at a target depends on what else is asked.

    Raises
    ------
    DataError
        Its targets attend to one another.
    """
    if model.settings.target_attention == "all":
        raise DataError(
            "sensitivities and attention maps need targets that do not see each other, got model.target_attention all"
        )


def named_tasks(tasks: Sequence[Task], names: Sequence[str], points: pl.DataFrame) -> list[Task]:
    """The tasks of the surfaces that are named, in the order of the names; those of another tier are left out.

    Raises
    ------
    DataError
        A surface is of neither tier, or not of a validation or test day.
    """
    found = {task.context.surface_id: task for task in tasks}
    tiers = dict(points.select("surface_id", "tier").unique().iter_rows())
    own = {task.tier for task in tasks}
    for name in names:
        if name not in tiers or (tiers[name] in own and name not in found):
            raise DataError(
                "analyses.attention.surfaces must name surfaces (SYMBOL_YYYY-MM-DDThh:mm) of validation or test days, "
                f"got {name}; the days begin with {', '.join(sorted(found)[:3])}"
            )
    return [found[name] for name in names if name in found]
