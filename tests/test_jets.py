"""Jets obey the rules of differentiation, by comparison with automatic differentiation in float64."""

import pytest
import torch

from ivyspt import jets
from ivyspt.jets import KK, TAU, K

TIGHT = {"rtol": 1e-10, "atol": 1e-12}  # both sides are exact up to rounding


def smooth(k: torch.Tensor, tau: torch.Tensor) -> torch.Tensor:
    """Six smooth features of (k, τ)."""
    return torch.stack([k * tau, k.sin() + tau, (k + tau).cos(), k**2 - tau, tau.exp() * k, 1 + k * k * tau], -1)


def derivatives(function, k, tau):
    """Value, ∂/∂k, ∂²/∂k² and ∂/∂τ of each output of a function of one point, by nested differentiation."""
    by_k = torch.func.jacrev(function, 0)
    return torch.stack(
        [function(k, tau), by_k(k, tau), torch.func.jacrev(by_k, 0)(k, tau), torch.func.jacrev(function, 1)(k, tau)]
    )


@pytest.fixture
def point():
    return torch.tensor(0.3, dtype=torch.float64), torch.tensor(0.7, dtype=torch.float64)


@pytest.mark.parametrize(
    ("on_jets", "on_values"),
    [
        (jets.exp, torch.exp),
        (jets.sine, torch.sin),
        (jets.cosine, torch.cos),
        (jets.sigmoid, torch.sigmoid),
        (jets.softplus, torch.nn.functional.softplus),
        (jets.gelu, torch.nn.functional.gelu),
        (jets.softmax, lambda x: x.softmax(-1)),
        (lambda j: jets.log(jets.add_constant(j, torch.tensor(3.0))), lambda x: (x + 3).log()),
        (lambda j: jets.multiply(j, jets.sine(j)), lambda x: x * x.sin()),
        (
            lambda j: jets.layer_norm(j, torch.arange(6.0), torch.ones(6)),
            lambda x: (
                (x - x.mean(-1, True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt() * torch.arange(6) + 1
            ),
        ),
    ],
)
def test_operation_on_jets_equals_nested_differentiation(on_jets, on_values, point):
    expected = derivatives(lambda k, tau: on_values(smooth(k, tau)), *point)
    torch.testing.assert_close(on_jets(derivatives(smooth, *point)), expected, **TIGHT)


def test_contraction_of_two_jets_obeys_the_product_rule(point):
    def left(k, tau):
        return smooth(k, tau).reshape(2, 3)

    def right(k, tau):
        return smooth(tau, k).reshape(3, 2)

    product = jets.contract("ij,jk->ik", derivatives(left, *point), derivatives(right, *point))
    torch.testing.assert_close(product, derivatives(lambda k, tau: left(k, tau) @ right(k, tau), *point), **TIGHT)


def test_contraction_with_a_constant_scales_each_component(point):
    jet = derivatives(smooth, *point)
    constant = torch.arange(6.0, dtype=torch.float64)[None]
    torch.testing.assert_close(jets.contract("i,i->i", jet, constant), jet * constant, **TIGHT)
    torch.testing.assert_close(jets.contract("i,i->i", constant, jet), jet * constant, **TIGHT)


def test_a_constant_has_no_derivatives():
    jet = jets.constant(torch.ones(3), 4)
    assert jet[K].abs().sum() == jet[KK].abs().sum() == jet[TAU].abs().sum() == 0
