"""Events: variance that comes between two expiries and stays."""

import pytest
import torch

from ivyspt.corpus.essvi import draw_essvi
from ivyspt.corpus.events import DAY, Jumps, draw_events
from ivyspt.corpus.families import Mixture
from ivyspt.corpus_config import Essvi, Events
from tests.corpus.differences import calendar_slope_on, durrleman_on, grid

COUNT = 100


def column(*values):
    return torch.tensor(values, dtype=torch.float64)[:, None]


def with_events(count=COUNT, seed=0):
    generator = torch.Generator().manual_seed(seed)
    essvi = draw_essvi(count, Essvi(), generator)
    expiries = torch.tensor([[7.0, 30, 60, 91, 182, 365]], dtype=torch.float64).expand(count, -1) / 365
    listed = torch.ones_like(expiries, dtype=torch.bool)
    variance = essvi.at_the_money(expiries) / expiries
    jumps = draw_events(expiries, listed, variance, Events(share=1.0), generator)
    return Mixture([torch.arange(count)], [essvi], jumps), expiries


def test_an_event_adds_its_variance_once_its_day_is_over():
    jumps = Jumps(column(0.1, 0.1), column(100.0, 0.25), column(0.002, 0.003))
    tau = torch.tensor([[0.05, 0.1, 0.1 + DAY / 2, 0.1 + DAY, 0.3, 0.36, 0.7]], dtype=torch.float64).expand(2, -1)
    once, quarterly = jumps.added_variance(tau)
    torch.testing.assert_close(once / 0.002, torch.tensor([0, 0, 0.5, 1, 1, 1, 1], dtype=torch.float64))
    torch.testing.assert_close(quarterly / 0.003, torch.tensor([0, 0, 0.5, 1, 1, 2, 3], dtype=torch.float64))


def test_no_arbitrage_with_events():
    surfaces, _ = with_events()
    k, tau, std = grid(surfaces, COUNT)
    assert calendar_slope_on(surfaces, k, tau).min() >= -1e-13  # rounding
    assert durrleman_on(surfaces, k, tau, std).min() > -1e-6  # truncation of differences


def test_each_event_falls_between_two_expiries_and_lifts_the_later_one():
    surfaces, expiries = with_events()
    jumps = surfaces.jumps
    added = jumps.added_variance(expiries)
    first = (added > 0).double().argmax(1, keepdim=True)
    assert torch.all(added.gather(1, first) >= jumps.variance * (1 - 1e-9))  # the whole of it, up to rounding
    before = torch.where(first > 0, expiries.gather(1, (first - 1).clamp(min=0)), 0.0)
    assert torch.all((jumps.date >= before) & (jumps.date < expiries.gather(1, first)))


def test_only_a_share_of_the_surfaces_has_events():
    expiries = torch.full((4000, 1), 0.2, dtype=torch.float64)
    listed = torch.ones_like(expiries, dtype=torch.bool)
    jumps = draw_events(expiries, listed, 0.04 + 0 * expiries, Events(share=0.25), torch.Generator().manual_seed(0))
    # four standard deviations of a proportion
    assert (jumps.variance > 0).double().mean().item() == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / 4000) ** 0.5)
