"""The carry line: it interpolates, forgives noise, lets dividends jump, and keeps surfaces apart."""

import numpy as np
import pytest

from ivyspt.quotes.carry import carry_line

TAU = np.array([7, 14, 21, 28, 60, 90, 120, 210]) / 365
LINE = np.log(100) - 0.012 * TAU  # a continuous dividend yield of 1.2 %
ONE = np.zeros(TAU.size, dtype=int)


def test_precise_forwards_stay_as_they_are():
    wild = LINE + np.random.default_rng(0).normal(0, 1e-3, TAU.size)
    np.testing.assert_allclose(carry_line(wild, np.full(TAU.size, 1e-7), TAU, ONE), wild, atol=1e-9)


def test_missing_expiries_lie_on_the_line_inside_and_beyond():
    prepaid, error = LINE.copy(), np.full(TAU.size, 1e-7)
    prepaid[[0, 4, 7]], error[[0, 4, 7]] = np.nan, np.inf
    # the rest's regression is exact, so nothing is left to the random walk
    np.testing.assert_allclose(carry_line(prepaid, error, TAU, ONE), LINE, atol=1e-9)


def test_a_doubtful_forward_moves_to_its_neighbours():
    prepaid, error = LINE.copy(), np.full(TAU.size, 1e-5)
    prepaid[2] += 0.004
    error[2] = 0.004
    moved = carry_line(prepaid, error, TAU, ONE)
    assert abs(moved[2] - LINE[2]) < 0.001


def test_a_dividend_is_not_smoothed_away():
    """A dividend of 1 % between the third and the fourth expiry; forwards good to a basis point."""
    paid = LINE - 0.01 * (np.arange(TAU.size) > 2)
    noise = np.random.default_rng(1).normal(0, 1e-4, TAU.size)
    smooth = carry_line(paid + noise, np.full(TAU.size, 1e-4), TAU, ONE)
    assert np.abs(smooth - paid).max() < 3e-4


def test_a_lone_slice_keeps_its_forward():
    np.testing.assert_allclose(carry_line(LINE[:1], np.array([1e-3]), TAU[:1], ONE[:1]), LINE[:1], atol=1e-8)


def test_noise_is_reduced():
    generator = np.random.default_rng(2)
    errors = np.full(TAU.size, 1e-3)
    noisy = LINE + generator.normal(0, errors, (200, TAU.size))
    smooth = np.array([carry_line(row, errors, TAU, ONE) for row in noisy])
    assert (smooth - LINE).std() < 0.8 * (noisy - LINE).std()


def test_surfaces_do_not_hear_of_each_other_and_order_does_not_matter():
    generator = np.random.default_rng(3)
    prepaid = np.concatenate([LINE + 0.001 * generator.normal(size=8), LINE + 1.0 + 0.001 * generator.normal(size=8)])
    error, tau, surface = np.full(16, 1e-3), np.tile(TAU, 2), np.repeat([0, 1], 8)
    together = carry_line(prepaid, error, tau, surface)
    for number in (0, 1):
        own = surface == number
        np.testing.assert_allclose(together[own], carry_line(prepaid[own], error[own], TAU, ONE), atol=1e-12)
    shuffled = generator.permutation(16)
    again = carry_line(prepaid[shuffled], error[shuffled], tau[shuffled], surface[shuffled])
    np.testing.assert_allclose(again, together[shuffled], atol=1e-12)


def test_a_surface_without_any_estimate_has_none():
    nothing, doubt = np.full(8, np.nan), np.full(8, np.inf)
    line = carry_line(
        np.append(nothing, LINE), np.append(doubt, np.full(8, 1e-4)), np.tile(TAU, 2), np.repeat([0, 1], 8)
    )
    assert np.isnan(line[:8]).all()
    assert line[8:] == pytest.approx(LINE, abs=1e-6)
