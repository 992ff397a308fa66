"""Noise of quotes: as large as said, larger in the wings, with stale marks and half-spreads."""

import pytest
import torch

from ivyspt.corpus.noise import draw_noise
from ivyspt.corpus_config import Noise

SURFACES, POINTS = 400, 120


def quoted(z=0.0, tau=0.25, seed=0, expiry=-1, **settings):
    """Log of quoted over exact vol, and half-spreads, of a flat vol of 20 %."""
    exact = torch.full((SURFACES, POINTS), 0.2, dtype=torch.float64)
    expiries = torch.full(exact.shape, expiry) if isinstance(expiry, int) else expiry
    quotes = draw_noise(
        exact, exact * 0 + tau, exact * 0 + z, expiries, Noise(**settings), torch.Generator().manual_seed(seed)
    )
    return (quotes.implied_vol / exact).log(), quotes.half_spread


PLAIN = {"clean": 0.0, "stale_surfaces": 0.0, "jitter": 0.0, "slice_share": 0.0, "short_end": (0.0, 0.0)}


def test_a_share_of_the_surfaces_is_exact():
    moves, _ = quoted(clean=0.15, stale_surfaces=0.0)
    exact = (moves == 0).all(1).double().mean().item()
    assert exact == pytest.approx(0.15, abs=4 * (0.15 * 0.85 / SURFACES) ** 0.5)  # four standard deviations


def test_scale_is_that_of_the_settings():
    moves, _ = quoted(**PLAIN, scale=(0.02, 0.02))
    assert moves.std().item() == pytest.approx(0.02, rel=0.02)  # of 48,000 draws


def test_noise_grows_in_the_wings():
    moves, _ = quoted(z=3.0, **PLAIN, scale=(0.01, 0.01), wing=(0.2, 0.2))
    assert moves.std().item() == pytest.approx(0.01 * (1 + 0.2 * 9), rel=0.02)


def test_noise_grows_at_the_short_end():
    settings = PLAIN | {"short_end": (0.25, 0.25)}
    moves, _ = quoted(tau=0.25 / 16, **settings, scale=(0.01, 0.01))
    assert moves.std().item() == pytest.approx(0.02, rel=0.02)


def test_quotes_of_an_expiry_share_an_error():
    expiry = (torch.arange(POINTS) % 2).expand(SURFACES, -1)
    settings = PLAIN | {"slice_share": 1.0}
    moves, _ = quoted(expiry=expiry, **settings, scale=(0.01, 0.01))
    means = torch.stack([moves[:, ::2].mean(1), moves[:, 1::2].mean(1)])
    assert means.std().item() == pytest.approx(0.01, rel=0.1)
    assert abs(torch.corrcoef(means)[0, 1]) < 0.2  # four standard deviations of independent expiries


def test_stale_marks_are_few_and_far_off():
    moves, _ = quoted(clean=1.0, stale_surfaces=1.0, stale_quotes=(0.05, 0.05), stale_move=(0.1, 0.3))
    stale = moves != 0
    assert stale.double().mean().item() == pytest.approx(0.05, abs=0.005)
    assert moves[stale].abs().min() >= 0.1 - 1e-9
    assert moves[stale].abs().max() <= 0.3 + 1e-9


def test_half_spreads_follow_the_noise_where_they_are_known():
    _, spread = quoted(**PLAIN, scale=(0.02, 0.02), spread_known=0.5, spread_over_noise=(2.0, 2.0))
    known = ~spread.isnan()
    assert torch.equal(known.any(1), known.all(1))  # of a surface, or not at all
    assert known.double().mean().item() == pytest.approx(0.5, abs=0.1)
    torch.testing.assert_close(spread[known], torch.full_like(spread[known], 2 * 0.02 * 0.2))


def test_spreads_have_a_least_width():
    _, spread = quoted(clean=1.0, spread_known=1.0, least_half_spread=0.001)
    assert torch.all(spread == 0.001)
