"""Fit loss and penalties measure what they say, at targets and at collocation points."""

from dataclasses import replace

import pytest
import torch

from ivyspt.arbitrage import durrleman_g
from ivyspt.completion import Context
from ivyspt.config import Losses
from ivyspt.jets import KK, TAU, VALUE, K
from ivyspt.losses.collocation import at_the_money_vol, collocation_points
from ivyspt.losses.objective import butterfly_penalty, calendar_penalty, objective
from tests.conftest import make_batch, make_model


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_penalties_are_squares_of_the_violations():
    values = torch.tensor([-2.0, -0.5, 0.0, 3.0])
    expected = torch.tensor([4.0, 0.25, 0.0, 0.0])
    torch.testing.assert_close(calendar_penalty(values), expected)
    torch.testing.assert_close(butterfly_penalty(values), expected)


@pytest.mark.parametrize("target", ["implied_vol", "total_variance"])
def test_losses_are_means_over_what_is_asked(target, batch):
    model = make_model()
    losses = objective(model, batch, Losses(collocation_points=0, target=target), seeded()).losses
    fitted = model(batch, derivatives=True)
    w, k = fitted.total_variance, batch.target_log_moneyness
    g = durrleman_g(k, w[VALUE], w[K], w[KK])
    quoted = batch.target_implied_vol**2 * batch.target_time_to_maturity
    error = fitted.implied_vol - batch.target_implied_vol if target == "implied_vol" else w[VALUE] - quoted
    expected = [error.square().mean(), calendar_penalty(w[TAU]).mean(), butterfly_penalty(g).mean()]
    torch.testing.assert_close(losses, torch.stack(expected))


def test_padded_targets_count_for_nothing():
    batch = make_batch(targets=4)
    model, settings = make_model(), Losses(collocation_points=0)
    extra = {
        name: torch.cat((getattr(batch, name), torch.full((3, 2), value, dtype=getattr(batch, name).dtype)), 1)
        for name, value in [
            ("target_log_moneyness", 0.3),
            ("target_time_to_maturity", 0.2),
            ("target_implied_vol", 9.0),
            ("asked", 0),
        ]
    }
    padded = objective(model, replace(batch, **extra), settings, seeded()).losses
    torch.testing.assert_close(padded, objective(model, batch, settings, seeded()).losses)


def test_collocation_points_move_the_penalties_and_not_the_fit(batch):
    model = make_model()
    plain = objective(model, batch, Losses(collocation_points=0), seeded()).losses
    more = objective(model, batch, Losses(collocation_points=50), seeded()).losses
    torch.testing.assert_close(plain[0], more[0])
    assert plain[2] != more[2]


def test_collocation_points_cover_the_domain(batch):
    settings = Losses(collocation_points=4000)
    k, tau = collocation_points(batch, settings, seeded())
    z = k / (at_the_money_vol(batch)[:, None] * tau.sqrt())
    longest = batch.context_time_to_maturity.where(batch.present, 0.0).amax(1)
    assert z.abs().max() <= settings.collocation_max_z
    # of 4000 uniform draws the extreme ones lie within 1 % of the ends, but for odds of 1e-17
    assert z.max() > 0.98 * settings.collocation_max_z
    assert z.min() < -0.98 * settings.collocation_max_z
    assert (tau.amin(1) < settings.collocation_min_tau * 1.03).all()
    assert (tau.amax(1) > longest * 0.97).all()
    assert (tau >= settings.collocation_min_tau * (1 - 1e-12)).all()
    assert (tau.amax(1) <= longest * (1 + 1e-12)).all()


def test_collocation_points_are_drawn_afresh(batch):
    generator = seeded()
    first, second = (collocation_points(batch, Losses(), generator)[0] for _ in range(2))
    assert (first != second).all()


def test_at_the_money_vol_is_the_contexts(batch):
    for row, vol in enumerate(at_the_money_vol(batch)):
        kept = batch.present[row]
        columns = (batch.context_log_moneyness, batch.context_time_to_maturity, batch.context_implied_vol)
        context = Context("a", "A", *(column[row][kept].numpy() for column in columns), batch.market[row].numpy())
        assert vol.item() == pytest.approx(context.at_the_money_vol, rel=1e-12)


def test_without_derivatives_there_are_no_penalties(batch):
    losses = objective(make_model(), batch, Losses(), seeded(), derivatives=False).losses
    assert losses[0] > 0
    assert (losses[1:] == 0).all()


def test_gradient_of_the_penalties_equals_differences(batch):
    model, settings = make_model(), Losses(collocation_points=20)
    weight = model.last_shared_weight

    def total() -> torch.Tensor:
        return objective(model, batch, settings, seeded()).losses[1:].sum()

    slope = torch.autograd.grad(total(), weight)[0]
    direction = torch.randn(weight.shape, generator=seeded(), dtype=torch.float64)
    h = 1e-6
    with torch.no_grad():
        weight.add_(h * direction)
        up = total()
        weight.sub_(2 * h * direction)
        down = total()
    # the hinge's kink adds an error of order h
    assert ((up - down) / (2 * h)).item() == pytest.approx((slope * direction).sum().item(), rel=1e-4)
