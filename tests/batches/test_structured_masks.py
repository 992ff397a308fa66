"""Structured masks: the shape of each hole, whatever the order of points, whole groups, nothing impossible."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivyspt.batches.structured_masks import shown
from ivyspt.masking_config import Holes, StructuredMask

NAMES = get_args(StructuredMask)
TAU = np.repeat([0.05, 0.1, 0.3, 0.6, 1.0, 2.0], 8)
K = np.tile(np.linspace(-0.7, 0.5, 8), 6) * np.sqrt(TAU)
ALONE = np.arange(48)


def drawn(name, k=K, tau=TAU, groups=ALONE, seed=0):
    return shown(name, k, tau, groups, Holes(), np.random.default_rng(seed))


def places(kept):
    """Kept points as an array (expiry, strike)."""
    return kept.reshape(6, 8)


def test_whole_expiries_stay_or_go():
    kept = places(drawn("whole_expiries"))
    assert set(kept.sum(axis=1)) == {0, 8}
    assert kept.any(axis=1).sum() == 2  # thirty percent of six, rounded up
    others = {tuple(places(drawn("whole_expiries", seed=seed)).any(axis=1)) for seed in range(40)}
    assert len(others) > 10  # of fifteen pairs


def test_the_short_end_is_the_first_third():
    assert places(drawn("short_end")).all(axis=1).tolist() == [False, False, True, True, True, True]


@pytest.mark.parametrize(
    ("name", "kept"), [("left_wing", slice(2, 8)), ("right_wing", slice(0, 6)), ("both_wings", slice(2, 6))]
)
def test_a_quarter_of_each_expiry_is_hidden_on_a_side(name, kept):
    expected = np.zeros((6, 8), bool)
    expected[:, kept] = True
    np.testing.assert_array_equal(places(drawn(name)), expected)


def test_a_block_is_a_rectangle_of_half_the_expiries_and_half_the_strikes():
    for seed in range(20):
        hidden = ~places(drawn("block", seed=seed))
        rows, columns = np.flatnonzero(hidden.any(axis=1)), np.flatnonzero(hidden.any(axis=0))
        assert np.diff(rows).tolist() == [1, 1]
        assert len(columns) == 4
        assert set(np.diff(columns)) == {1}
        assert hidden[np.ix_(rows, columns)].all()
        assert hidden.sum() == 12


def test_nine_clustered_quotes_are_three_of_three_expiries():
    kept = places(drawn("nine_clustered"))
    assert sorted(kept.sum(axis=1).tolist()) == [0, 0, 0, 3, 3, 3]


def test_near_the_money_shows_the_points_of_least_standardised_distance():
    kept, distance = drawn("near_money"), np.abs(K) / np.sqrt(TAU)
    assert distance[kept].max() < distance[~kept].min()
    assert kept.mean() == pytest.approx(0.2, abs=0.07)  # whole columns of the made-up grid tie


@given(name=st.sampled_from(NAMES), seed=st.integers(0, 100))
def test_neither_order_nor_units_enter_and_groups_stay_whole(name, seed):
    order = np.random.default_rng(seed).permutation(48)
    kept = drawn(name, seed=seed)
    np.testing.assert_array_equal(drawn(name, K[order], TAU[order], ALONE[order], seed), kept[order])
    np.testing.assert_array_equal(drawn(name, 4 * K, 0.25 * TAU, ALONE, seed), kept)  # powers of two round alike
    pairs = ALONE // 2
    of_pairs = drawn(name, groups=pairs, seed=seed)
    assert (of_pairs[::2] == of_pairs[1::2]).all()


@pytest.mark.parametrize("name", ["whole_expiries", "short_end", "nine_clustered"])
def test_one_expiry_has_no_room_for_holes_between_expiries(name):
    assert drawn(name, K[:8], TAU[:8], ALONE[:8]) is None


@given(
    name=st.sampled_from(NAMES),
    tau=st.lists(st.sampled_from([0.1, 0.2, 0.7]), min_size=1, max_size=9),
    seed=st.integers(0, 100),
)
def test_any_surface_is_answered(name, tau, seed):
    tau = np.array(tau)
    k = np.random.default_rng(seed).normal(size=len(tau))
    kept = drawn(name, k, tau, np.zeros(len(tau), int) if seed % 2 else np.arange(len(tau)), seed)
    assert kept is None or kept.shape == tau.shape
