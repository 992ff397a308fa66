"""Statistics of segments against numpy, segment by segment."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ivyspt.quotes.segments import total, weighted_median


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(-1e3, 1e3)), min_size=1, max_size=40))
def test_equal_weights_give_numpy_s_median(entries):
    segment = np.array([entry[0] for entry in entries])
    values = np.array([entry[1] for entry in entries])
    medians = weighted_median(values, np.full(values.size, 0.1), segment, 6)
    for number in range(6):
        own = values[segment == number]
        np.testing.assert_allclose(medians[number], np.median(own) if own.size else np.nan, rtol=1e-12, atol=1e-12)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-9, 9), st.integers(1, 5)), min_size=1, max_size=20))
def test_whole_weights_stand_for_repeated_entries(entries):
    segment, values, weights = (np.array(column) for column in zip(*entries, strict=True))
    repeated = [np.repeat(values[segment == n], weights[segment == n]) for n in range(3)]
    expected = [np.median(own) if own.size else np.nan for own in repeated]
    found = weighted_median(values.astype(float), weights.astype(float), segment, 3)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    sums = [(values * weights)[segment == n].sum() for n in range(3)]
    np.testing.assert_allclose(total((values * weights).astype(float), segment, 3), sums)
