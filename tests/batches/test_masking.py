"""Masks: whole groups, the right share, enough on both sides, and the same whatever the order."""

from datetime import datetime
from typing import get_args

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivyspt.batches.masking import (
    cluster,
    cluster_count,
    cluster_points,
    cluster_table,
    draw_evaluation_masks,
    mask,
)
from ivyspt.columns import TIERED_POINTS, DataError, check
from ivyspt.config import Masking
from ivyspt.mask_names import evaluation_names
from ivyspt.masking_config import StructuredMask

MASKING = Masking(proportions=[0.1, 0.3, 0.7], random_counts=[5, 9, 20], min_evaluation_targets=6, seed=1)


def generator(seed=0):
    return np.random.default_rng(seed)


def tiered(surfaces=("A", "B", "C"), thinned=("C",)):
    """Surfaces of 24 points, the first two of each maturity in one group; ten points of a thinned one are visible."""
    draws, frames = generator(7), []
    for surface_id in surfaces:
        point = np.arange(24)
        frame = pl.DataFrame(
            {
                "log_moneyness": np.tile(np.sort(draws.normal(0, 0.1, 8)), 3),
                "time_to_maturity": np.repeat([0.1, 0.2, 0.5], 8),
                "implied_vol": draws.uniform(0.2, 0.4, 24),
                "point": point,
                "mask_group": np.where(point % 8 == 1, point - 1, point),
                "visible": (point < 10) | (surface_id not in thinned),
            }
        )
        constants = {"strike": 100.0, "forward": 100.0, "symbol": surface_id, "surface_id": surface_id}
        constants |= {"quote_time": datetime(2024, 1, 2, 16), "expiry": datetime(2024, 2, 2, 16), "tier": "liquid"}
        frames.append(frame.with_columns(**{name: pl.lit(value) for name, value in constants.items()}))
    return check(pl.concat(frames), TIERED_POINTS, "test")


def drawn(points, masking=MASKING):
    return draw_evaluation_masks(points, cluster_points(points, masking), masking)


@pytest.mark.parametrize(("proportion", "count"), [(0.1, 10), (0.2, 5), (0.3, 4), (0.5, 2), (0.7, 2)])
def test_there_are_one_over_p_clusters(proportion, count):
    assert cluster_count(proportion) == count


def test_clusters_of_well_separated_groups_are_those_groups_in_their_order():
    k, tau = np.array([0.3, -0.3, 0.31, -0.31, 0.3, -0.3]), np.array([0.1, 0.1, 0.11, 0.11, 2.0, 2.0])
    labels = cluster(k, tau, 4, seed=0)
    # by maturity, then log-moneyness: (-.3, .1), (.3, .1), (-.3, 2), (.3, 2)
    assert labels.tolist() == [1, 0, 1, 0, 3, 2]


@given(seed=st.integers(0, 1000), count=st.integers(1, 12))
def test_clusters_do_not_depend_on_order_nor_on_units(seed, count):
    draws = generator(seed)
    k, tau = draws.normal(size=20), draws.uniform(0.02, 2, 20)
    labels, order = cluster(k, tau, count, seed), draws.permutation(20)
    np.testing.assert_array_equal(cluster(k[order], tau[order], count, seed), labels[order])
    np.testing.assert_array_equal(cluster(4 * k, 0.25 * tau, count, seed), labels)  # powers of two round alike
    assert set(labels) == set(range(count))


def test_fewer_distinct_points_than_clusters_and_a_single_maturity_are_no_obstacle():
    assert set(cluster(np.array([0.0, 0.0, 0.1]), np.full(3, 0.1), 10, seed=0)) == {0, 1}


def test_vols_and_other_surfaces_do_not_move_clusters():
    points = tiered()
    labels = cluster_points(points, MASKING)
    check(labels, cluster_table(MASKING), "test")
    assert cluster_points(points.with_columns(pl.col("implied_vol") * 2), MASKING).equals(labels)
    shuffled = points.sample(fraction=1, shuffle=True, seed=1)
    assert cluster_points(shuffled, MASKING).equals(labels)
    alone = points.filter(pl.col("surface_id") == "B")
    assert cluster_points(alone, MASKING).equals(labels.filter(pl.col("surface_id") == "B"))


def test_hidden_points_have_no_cluster_and_move_none():
    points = tiered()
    labels = cluster_points(points, MASKING)
    assert labels.filter(pl.col("surface_id") == "C").height == 10
    moved = points.with_columns(pl.when("visible").then("log_moneyness").otherwise(9.0).alias("log_moneyness"))
    assert cluster_points(moved, MASKING).equals(labels)


def test_within_a_cluster_the_whole_part_is_masked_and_the_rest_by_its_probability():
    labels = np.repeat([0, 1], [13, 10])
    counts = np.array([np.bincount(labels[mask(labels, np.arange(23), 0.3, 1, 3, generator(n))]) for n in range(4000)])
    assert set(counts[:, 0]) == {3, 4}  # 0.3 * 13 = 3.9
    assert set(counts[:, 1]) == {3}  # 0.3 * 10 = 3
    # standard error of 4,000 draws: sqrt(.9 * .1 / 4000) = .005
    assert counts[:, 0].mean() == pytest.approx(3.9, abs=0.02)


@pytest.mark.parametrize("proportion", [0.1, 0.3, 0.5, 0.7])
def test_the_expected_masked_share_is_p_also_with_groups(proportion):
    groups = np.array([0, 0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 8, 8, 9, 10, 11, 12, 13, 14, 15])
    labels = groups % 3
    masked = np.array([mask(labels, groups, proportion, 0, 0, generator(n)) for n in range(3000)])
    # a draw's share of a cluster of seven points or so lies within one group of p: standard error below .2 / sqrt(3000)
    for label in range(3):
        assert masked[:, labels == label].mean() == pytest.approx(proportion, abs=0.015)


@given(
    sizes=st.lists(st.integers(1, 3), min_size=6, max_size=20),
    proportion=st.floats(0.01, 0.99),
    min_targets=st.integers(1, 2),
    min_context=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_groups_are_whole_and_both_sides_hold_their_least(sizes, proportion, min_targets, min_context, seed):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    labels = generator(seed).integers(0, 4, len(sizes))[groups]
    masked = mask(labels, groups, proportion, min_targets, min_context, generator(seed))
    assert masked.sum() >= min_targets
    assert (~masked).sum() >= min_context
    assert all(len(set(masked[groups == group])) == 1 for group in groups)


def test_labels_of_any_numbers_and_points_in_any_order_are_served():
    labels, groups = np.array([7, 7, 2, 2, 7, 2, 2, 7]), np.array([40, 40, 3, 5, 6, 8, 8, 1])
    masked = mask(labels, groups, 0.5, 1, 3, generator())
    assert masked[0] == masked[1]
    assert masked[5] == masked[6]
    assert masked.sum() == 4  # half of four points of each cluster, whose groups fit


def test_a_surface_of_two_points_is_refused():
    with pytest.raises(DataError, match=r"1 targets and 3 context points at the least, got . and . of 2 points"):
        mask(np.zeros(2, int), np.arange(2), 0.5, 1, 3, generator())


def test_evaluation_masks_divide_visible_points_and_add_hidden_targets():
    points = tiered()
    masks = drawn(points).join(points, on=["surface_id", "point"])
    per_mask = masks.group_by("mask", "surface_id").agg(
        (pl.col("role") == "context").sum().alias("context"), (pl.col("role") == "target").sum().alias("target")
    )
    assert (per_mask["context"] + per_mask["target"] == 24).all()  # every point has a role
    assert masks.filter(~pl.col("visible"))["role"].unique().to_list() == ["target"]
    groups = masks.group_by("mask", "surface_id", "mask_group").agg(pl.col("role").n_unique())
    assert groups["role"].max() == 1
    sizes = {(name, surface): context for name, surface, context, _ in per_mask.iter_rows()}
    assert sizes["random_5", "A"] == sizes["random_5", "C"] == 5
    assert ("random_20", "A") not in sizes  # four targets would be left, six are asked for
    assert sizes["random_9", "C"] == 9
    assert sizes["visible", "C"] == 10
    assert ("visible", "A") not in sizes
    assert set(per_mask["mask"]) <= set(evaluation_names(MASKING))


def test_a_random_mask_that_would_show_every_visible_point_is_not_drawn():
    masks = drawn(tiered(), MASKING.model_copy(update={"random_counts": [10]}))
    assert set(masks.filter(pl.col("mask") == "random_10")["surface_id"]) == {"A", "B"}  # C's would be `visible`


def test_evaluation_masks_follow_seed_and_surface_alone():
    points = tiered()
    masks = drawn(points)
    assert drawn(points.sample(fraction=1, shuffle=True, seed=2)).equals(masks)
    assert drawn(points.with_columns(pl.col("implied_vol") * 2)).equals(masks)
    alone = points.filter(pl.col("surface_id") == "B")
    assert drawn(alone).equals(masks.filter(pl.col("surface_id") == "B"))
    fewer = MASKING.model_copy(update={"proportions": [0.3], "random_counts": [9]})
    assert drawn(points, fewer).equals(masks.filter(pl.col("mask").is_in(["clustered_0.3", "random_9", "visible"])))
    assert not drawn(points, MASKING.model_copy(update={"seed": 2})).equals(masks)


def test_structured_masks_are_drawn_where_they_leave_enough_and_move_no_other():
    points, names = tiered(), list(get_args(StructuredMask))
    masking = MASKING.model_copy(update={"structured": names, "min_evaluation_targets": 5})
    masks = drawn(points, masking)
    others = MASKING.model_copy(update={"min_evaluation_targets": 5})
    assert masks.filter(~pl.col("mask").is_in(names)).equals(drawn(points, others))
    assert set(masks.filter(pl.col("surface_id") == "A")["mask"]) >= set(names) - {"nine_clustered"}
    assert set(masks["mask"]) <= set(evaluation_names(masking))
    joined = masks.join(points, on=["surface_id", "point"])
    assert joined.filter(~pl.col("visible"))["role"].unique().to_list() == ["target"]
    groups = joined.group_by("mask", "surface_id", "mask_group").agg(pl.col("role").n_unique())
    assert groups["role"].max() == 1
    structured = joined.filter(pl.col("mask").is_in(names)).group_by("mask", "surface_id")
    sizes = structured.agg(*((pl.col("role") == role).sum().alias(role) for role in ("context", "target")))
    assert sizes["context"].min() >= 3
    assert sizes["target"].min() >= 5


def test_masking_without_structured_masks_is_written_as_before():
    assert not {"structured", "holes"} & set(MASKING.model_dump(mode="json"))


def test_no_surface_to_judge_is_refused():
    points = tiered()
    with pytest.raises(DataError, match="at least one surface"):
        draw_evaluation_masks(points.clear(), cluster_points(points, MASKING), MASKING)
