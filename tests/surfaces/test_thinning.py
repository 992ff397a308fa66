"""Which points of the sparse tier are hidden."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivyspt.config import Thinning, Tiers
from ivyspt.surfaces.thinning import draw_groups, thin
from ivyspt.surfaces.tiers import assign

NAMED = Tiers(rule="named", liquid=["A"], sparse=["B"])


@pytest.fixture
def tiers(points):
    return assign(points, NAMED)


def test_hides_points_of_the_sparse_tier_alone_and_drops_unused_symbols(points, tiers):
    thinned = thin(points, tiers, Thinning(max_points=7, seed=1))
    assert set(thinned["symbol"]) == {"A", "B"}
    assert thinned.filter(pl.col("tier") == "liquid")["visible"].all()
    counts = thinned.filter((pl.col("tier") == "sparse") & pl.col("visible")).group_by("surface_id").len()
    assert counts.height == 5
    assert set(counts["len"]) == {7}


def test_mask_groups_are_whole(points, tiers):
    thinned = thin(points, tiers, Thinning(max_points=7, seed=1))
    assert thinned.group_by("surface_id", "mask_group").agg(pl.col("visible").n_unique())["visible"].max() == 1


def test_the_order_of_rows_and_other_surfaces_do_not_matter(points, tiers):
    rule = Thinning(max_points=7, seed=1)
    shuffled = points.sample(fraction=1, shuffle=True, seed=1)
    assert thin(shuffled, tiers, rule).equals(thin(points, tiers, rule))
    alone = points.filter(pl.col("surface_id") == "B 3")
    assert thin(alone, tiers, rule).equals(thin(points, tiers, rule).filter(pl.col("surface_id") == "B 3"))


def test_the_seed_and_the_surface_decide(points, tiers):
    shown = [
        tuple(surface.filter("visible")["point"])
        for seed in (1, 2)
        for surface in thin(points, tiers, Thinning(max_points=7, seed=seed))
        .filter(pl.col("tier") == "sparse")
        .partition_by("surface_id")
    ]
    assert len(set(shown)) == len(shown)


def test_vols_play_no_part(points, tiers):
    rule = Thinning(max_points=7, seed=1)
    other = thin(points.with_columns(pl.col("implied_vol") * 2), tiers, rule)
    assert other["visible"].equals(thin(points, tiers, rule)["visible"])


def test_without_a_limit_everything_is_visible(points, tiers):
    assert thin(points, tiers, Thinning(max_points=None))["visible"].all()


@given(sizes=st.lists(st.integers(1, 3), min_size=1, max_size=12), count=st.integers(1, 40), seed=st.integers(0, 99))
def test_drawn_groups_are_whole_and_no_group_fits_any_more(sizes, count, seed):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    taken = draw_groups(groups, count, np.random.default_rng(seed))
    assert taken.sum() <= count
    left_out = [size for group, size in enumerate(sizes) if not taken[groups == group].any()]
    assert all(taken[groups == group].all() or not taken[groups == group].any() for group in range(len(sizes)))
    assert all(taken.sum() + size > count for size in left_out)
