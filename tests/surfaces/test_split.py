"""Partitions of the time axis: disjoint, ordered, purged and embargoed."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ivyspt.columns import DataError
from ivyspt.config import Split
from ivyspt.surfaces.split import split_days

START = date(2024, 1, 1)
ORDER = {"purged": 0, "train": 1, "validation": 3, "test": 5}

splits = st.builds(
    Split,
    partitions=st.integers(1, 5),
    train=st.floats(0.5, 0.85),
    validation=st.just(0.1),
    purge_days=st.integers(0, 2),
    embargo_days=st.integers(0, 3),
    min_days=st.integers(1, 3),
)


def days_of(count):
    return [START + timedelta(days=3 * number) for number in range(count)]


def names(count, **settings):
    return split_days(days_of(count), Split(**settings))["split"].to_list()


@given(count=st.integers(5, 300), split=splits)
def test_every_day_has_one_part_and_parts_follow_in_order(count, split):
    try:
        table = split_days(days_of(count), split)
    except DataError:
        assume(False)
    assert table["date"].to_list() == days_of(count)
    assert table["partition"].is_sorted()
    assert table["partition"].n_unique() == split.partitions
    for partition in table.partition_by("partition"):
        kept = partition.filter(pl.col("split") != "embargoed")["split"].to_list()
        assert [ORDER[name] for name in kept] == sorted(ORDER[name] for name in kept)
        assert kept.count("validation") >= split.min_days
        assert kept.count("test") >= split.min_days
        assert "train" in kept


@given(count=st.integers(5, 300), split=splits)
def test_parts_are_kept_apart(count, split):
    try:
        table = split_days(days_of(count), split)
    except DataError:
        assume(False)
    parts = table["split"].to_list()
    place = {name: [number for number, part in enumerate(parts) if part == name] for name in ORDER}
    for earlier, later, gap in (
        ("train", "validation", split.embargo_days),
        ("validation", "test", split.embargo_days),
        ("test", "train", split.purge_days),
    ):
        for number in place[earlier]:
            following = [other for other in place[later] if other > number]
            assert not following or following[0] - number > gap
    assert table.filter((pl.col("partition") == 0) & (pl.col("split") == "purged")).is_empty()


def test_the_papers_partitions_of_twenty_days():
    # first day dropped, then 16, 2 and 2 in code; in words, 80 % of 20 days train and the later partition is purged
    settings = {"partitions": 2, "purge_days": 1, "embargo_days": 0}
    assert (
        names(40, **settings)
        == ["train"] * 16
        + ["validation"] * 2
        + ["test"] * 2
        + ["purged"]
        + ["train"] * 15
        + ["validation"] * 2
        + ["test"] * 2
    )


def test_the_embargo_is_taken_from_training_and_from_validation_never_from_test():
    assert names(40, partitions=1, embargo_days=1) == (
        ["train"] * 31 + ["embargoed"] + ["validation"] * 3 + ["embargoed"] + ["test"] * 4
    )


def test_unordered_and_repeated_days_are_one_axis():
    days = days_of(60)
    shuffled = np.random.default_rng(0).permutation(days + days).tolist()
    assert split_days(shuffled, Split(partitions=2)).equals(split_days(days, Split(partitions=2)))


@pytest.mark.parametrize(
    ("count", "settings", "message"),
    [
        (
            20,
            {"partitions": 1, "embargo_days": 1},
            "validation must keep at least 2 days in every partition, got 1 of 20",
        ),
        (10, {"partitions": 1, "embargo_days": 0}, "validation must keep at least 2 days"),
        (3, {"partitions": 5}, "train must keep at least 1 days in every partition, got 0 of 1"),
        (40, {"partitions": 1, "train": 0.9}, "must be below 1"),
    ],
)
def test_a_split_that_leaves_too_few_days_is_refused(count, settings, message):
    with pytest.raises(DataError, match=message):
        names(count, **settings)
