"""Generators by seed and name."""

import numpy as np

from ivyspt.generators import generator_of


def draw(*key):
    return generator_of(*key).random(3)


def test_same_seed_and_names_give_the_same_numbers():
    np.testing.assert_array_equal(draw(1, "masks", "AAPL"), draw(1, "masks", "AAPL"))


def test_seed_each_name_and_their_boundaries_matter():
    draws = [draw(1, "a", "b"), draw(2, "a", "b"), draw(1, "a", "c"), draw(1, "b", "a"), draw(1, "ab"), draw(1, "a")]
    assert len({tuple(values) for values in draws}) == len(draws)
