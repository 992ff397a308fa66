"""Trials are ranked as the paper says, on subsets that stay the same."""

import polars as pl
import pytest

from ivyspt.analyses.search import chosen, rank, searched, subset
from ivyspt.analysis_config import Subset
from ivyspt.config import Model, Phase
from tests.training.test_loop import SURFACES

VALUES = {"blocks": 1, "dimension": 8, "learning_rate": 1e-3, "batch_size": 4, "dropout": 0.0}


def trials(losses: dict[str, tuple[float, float, float]]) -> pl.DataFrame:
    """Two epochs of each trial, the first one misleading."""
    rows = []
    for number, (trial, values) in enumerate(losses.items()):
        named = {"trial": trial, **VALUES, "learning_rate": 1e-3 * (number + 1), "seed": 0, "parameters": 100}
        named |= {"training_surfaces": 10, "validation_surfaces": 5}
        for loss, value in zip(("fit", "calendar", "butterfly"), values, strict=True):
            for epoch, split, shown in ((1, "validation", -value), (2, "judged", value), (2, "train", -value)):
                rows.append(named | {"epoch": epoch, "split": split, "loss": loss, "value": shown})
    return pl.DataFrame(rows)


def test_the_mean_of_three_ranks_decides():
    table = rank(trials({"a": (1.0, 3.0, 3.0), "b": (2.0, 1.0, 1.0), "c": (3.0, 2.0, 2.0)}))
    assert table["trial"].to_list() == ["b", "a", "c"]
    assert table["mean_rank"].to_list() == pytest.approx([4 / 3, 7 / 3, 7 / 3])
    assert table.filter(pl.col("trial") == "a").select("rank_fit", "rank_calendar", "rank_butterfly").row(0) == (
        1,
        3,
        3,
    )


def test_equal_losses_share_their_ranks_and_the_fit_decides_between_equals():
    table = rank(trials({"a": (2.0, 0.0, 0.0), "b": (1.0, 0.0, 0.0), "c": (1.0, 0.0, 1.0)}))
    ranks = dict(table.select("trial", "rank_calendar").iter_rows())
    assert ranks == {"a": 2.0, "b": 2.0, "c": 2.0}
    assert table["trial"].to_list() == ["b", "c", "a"]
    tied = rank(trials({"a": (2.0, 1.0, 0.0), "b": (1.0, 2.0, 0.0)}))
    assert tied["mean_rank"].n_unique() == 1
    assert tied["trial"][0] == "b"


def test_the_chosen_values_are_keys_of_a_configuration():
    values = chosen(rank(trials({"a": (2.0, 2.0, 2.0), "b": (1.0, 1.0, 1.0)})))
    assert values == {
        "model": {"blocks": 1, "dimension": 8, "dropout": 0.0},
        "training": {"pretrain": {"learning_rate": 2e-3, "batch_size": 4}},
    }


def test_a_trial_says_what_it_tried():
    phase = Phase(epochs=1, batch_size=4, learning_rate=1e-3)
    assert searched(Model(blocks=1, dimension=8, heads=2), phase) == VALUES


def test_a_subset_is_a_share_of_the_whole_and_always_the_same():
    settings = Subset(share=0.2, seed=3)
    one, two = (subset(SURFACES, 30, "train", settings) for _ in range(2))
    assert len(one) == 6
    assert [each.surface_id for each in one] == [each.surface_id for each in two]
    other = subset(SURFACES, 30, "train", Subset(share=0.2, seed=4))
    assert [each.surface_id for each in one] != [each.surface_id for each in other]
    assert len(subset(SURFACES, 30, "validation", Subset(share=0.9))) == len(SURFACES)  # no more than there are
