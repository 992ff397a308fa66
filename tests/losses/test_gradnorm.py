"""GradNorm moves the weights of the losses towards equal training rates, and nothing else."""

import pytest
import torch

from ivyspt.config import Losses
from ivyspt.losses.gradnorm import GradNorm


def two_layers():
    """A shared weight with three losses of very different slopes."""
    weight = torch.nn.Parameter(torch.tensor([[0.5, -0.2], [0.1, 0.3]], dtype=torch.float64))

    def losses() -> torch.Tensor:
        shared = weight @ torch.tensor([1.0, 2.0], dtype=torch.float64)
        return torch.stack([100 * shared.square().sum(), shared.square().sum(), 0.01 * shared.square().sum()])

    return weight, losses


def made(**settings) -> GradNorm:
    return GradNorm(Losses(gradnorm_learning_rate=0.01, **settings)).double()


def test_models_gradients_are_untouched():
    weight, losses = two_layers()
    value = losses()
    value.sum().backward(retain_graph=True)
    before = weight.grad.clone()
    made().step(value, weight)
    assert torch.equal(weight.grad, before)


def test_as_published_the_gradient_leaks_into_the_model():
    weight, losses = two_layers()
    value = losses()
    value.sum().backward(retain_graph=True)
    before = weight.grad.clone()
    made(gradnorm_leak=True).step(value, weight)
    assert not torch.equal(weight.grad, before)


def test_weights_stay_non_negative_and_sum_to_their_number():
    weight, losses = two_layers()
    gradnorm = made()
    for _ in range(400):
        gradnorm.step(losses(), weight)
        assert gradnorm.weights.min() >= 0
        assert gradnorm.weights.sum().item() == pytest.approx(3, rel=1e-12)


def test_equal_training_rates_end_in_equal_gradient_norms():
    """With L_i/L_i(0) equal, the targets are all Ḡ, so the weights must undo a ratio of 10^4 of the losses."""
    weight, losses = two_layers()
    gradnorm = made()
    for _ in range(3000):
        balance = gradnorm.step(losses(), weight)
    norms = balance["norms"]
    assert gradnorm.weights[0] < gradnorm.weights[1] < gradnorm.weights[2]
    # Adam's sign-like steps leave a ripple of about twice the learning rate on log λ
    assert (norms[0] / norms[2]).log().item() == pytest.approx(0, abs=0.1)
    assert (norms[1] / norms[2]).log().item() == pytest.approx(0, abs=0.1)


def test_the_loss_that_lags_gains_target_norm():
    weight, losses = two_layers()
    gradnorm = made()
    gradnorm.step(losses(), weight)
    lagging = losses() * torch.tensor([0.1, 0.1, 1.0], dtype=torch.float64)
    target = gradnorm.step(lagging, weight)["targets"]
    assert target[2] > target[0]
    assert target[0].item() == pytest.approx(target[1].item())
    # r_i = ratio_i / mean ratio, to the power α = 1.5
    assert (target[2] / target[0]).item() == pytest.approx(10**1.5, rel=1e-6)


def test_a_loss_that_starts_at_zero_divides_by_the_floor():
    weight, losses = two_layers()
    gradnorm = made(gradnorm_floor=1e-3)
    zero = losses() * torch.tensor([1.0, 1.0, 0.0], dtype=torch.float64)
    gradnorm.step(zero, weight)
    assert gradnorm.initial[2].item() == pytest.approx(1e-3)
    assert gradnorm.weights.isfinite().all()
