"""The section of a study's configuration that says what is shown and what is asked."""

from typing import Annotated, Literal

from pydantic import Field

from ivyspt.sections import Count, Proportion, Section

StructuredMask = Literal[
    "whole_expiries",
    "left_wing",
    "right_wing",
    "both_wings",
    "block",
    "short_end",
    "nine_clustered",
    "near_money",
]


class Holes(Section):
    """How large the holes of structured masks are; shapes: `ivyspt/batches/structured_masks.py`."""

    expiries_shown: Proportion = 0.3  # of the expiries, under `whole_expiries`
    short_end: Proportion = 0.34  # of the expiries that are hidden
    wing: Annotated[float, Field(gt=0, lt=0.5)] = 0.25  # of an expiry's strikes that are hidden on a side
    block: Proportion = 0.5  # of the expiries, and of the strikes of each, that are hidden
    near_money: Proportion = 0.2  # of the points that are shown


class Masking(Section):
    """Dynamic masks of training and fixed masks of evaluation."""

    proportions: list[Proportion] = [0.1, 0.3, 0.5, 0.7]
    min_targets: Count = 1
    min_context: Annotated[int, Field(ge=3)] = 3
    seed: int = 0  # of the clusters and of the evaluation masks
    random_counts: list[Count] = [5, 9, 20, 40]  # context points of the random evaluation masks
    min_evaluation_targets: Count = 10  # a random or structured mask with fewer targets is not drawn
    # left out of settings while nothing is named, so that studies without them are given what they were
    structured: Annotated[list[StructuredMask], Field(exclude_if=lambda names: not names)] = []
    holes: Annotated[Holes, Field(exclude_if=lambda holes: holes == Holes())] = Holes()
