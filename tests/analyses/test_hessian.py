"""Products with the Hessian are those of the dense Hessian, on a model small enough to have one."""

import numpy as np
import pytest
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from ivyspt.analyses.flatness import MEASURED, losses_of, measure
from ivyspt.analyses.hessian import Hessian, losses_along
from ivyspt.analyses.lanczos import lanczos
from ivyspt.analysis_config import Flatness
from ivyspt.config import Losses
from tests.conftest import make_batch, make_model

SMALL = {"dimension": 4, "blocks": 1, "heads": 1, "feed_forward": 1}
TINY = {"dimension": 3, "external_attention": False, "positional_encoding": "none", "market_tokens": "single"}
TINY = SMALL | TINY | {"kernel": "none", "level": "erased"}
LOSSES = Losses(collocation_points=6)
WEIGHTS = np.array([2.0, 0.5, 0.5])
BATCH = make_batch(contexts=(6, 7), targets=4)


def rough(perturbation: float, **settings):
    """A model so rough that both hinges are active, and its losses."""
    model = make_model(perturbation=perturbation, **settings)
    losses = losses_of(model, BATCH, LOSSES, WEIGHTS, seed=0)
    assert (losses() > 0).all()
    return model, losses


@pytest.fixture(scope="module")
def tiny():
    """Few enough parameters for a dense Hessian."""
    return rough(0.6, **TINY)


def slopes_along(model, losses, direction: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """Hessians of the four losses times a direction, by central differences of gradients: they differentiate once."""
    parameters = list(model.parameters())
    here = parameters_to_vector(parameters).detach().clone()
    ends = []
    for step in (h, -h):
        vector_to_parameters(here + step * torch.from_numpy(direction), parameters)
        slopes = [torch.autograd.grad(loss, parameters, retain_graph=True, materialize_grads=True) for loss in losses()]
        ends.append(np.stack([parameters_to_vector(slope).numpy() for slope in slopes]))
    vector_to_parameters(here, parameters)
    return (ends[0] - ends[1]) / (2 * h)


@pytest.fixture(scope="module")
def dense(tiny):
    """Dense Hessians of the three losses and the objective."""
    count = sum(parameter.numel() for parameter in tiny[0].parameters())
    columns = np.stack([slopes_along(*tiny, axis) for axis in np.eye(count)], -1)
    return dict(zip(MEASURED, columns, strict=True))


@pytest.mark.parametrize("loss", MEASURED)
def test_products_are_those_of_the_dense_hessian(tiny, dense, loss):
    model, losses = tiny
    hessian = Hessian(losses()[MEASURED.index(loss)], list(model.parameters()))
    products = np.array([hessian(axis) for axis in np.eye(len(dense[loss]))])
    scale = np.abs(dense[loss]).max()
    assert scale > 0
    np.testing.assert_allclose(products, products.T, atol=1e-10 * scale)
    # differences are off by h² times the fourth derivatives, and by a hinge that opens within h
    np.testing.assert_allclose(products, dense[loss], atol=1e-5 * scale)


def test_products_pass_through_gate_market_and_encoding():
    model, losses = rough(0.4, **SMALL)
    count = sum(parameter.numel() for parameter in model.parameters())
    direction = np.random.default_rng(0).normal(size=count)
    expected = slopes_along(model, losses, direction, h=1e-6)
    for number, loss in enumerate(losses()):
        hessian = Hessian(loss, list(model.parameters()))
        scale = np.abs(expected[number]).max()
        np.testing.assert_allclose(hessian(direction), expected[number], atol=1e-5 * scale)


def test_the_objective_is_the_weighted_sum(dense):
    summed = sum(weight * dense[name] for weight, name in zip(WEIGHTS, MEASURED[:3], strict=True))
    np.testing.assert_allclose(dense["objective"], summed, atol=1e-8 * np.abs(summed).max())


def test_what_is_measured_is_what_the_dense_hessian_has(tiny, dense):
    settings = Flatness(lanczos_steps=20, probes=2, slice_points=3)
    for row in measure(tiny[0], BATCH, LOSSES, WEIGHTS, settings).summary.iter_rows(named=True):
        exact = np.linalg.eigvalsh(dense[row["loss"]])
        top = np.abs(exact).max()
        assert row["parameters"] == len(exact)
        assert row["largest"] == pytest.approx(exact[-1], abs=1e-5 * top)
        assert row["smallest"] == pytest.approx(exact[0], abs=1e-5 * top)
        # the eigenvalues that have converged are exact; what is estimated of the others is small beside them
        assert row["trace"] == pytest.approx(exact.sum(), abs=0.05 * np.abs(exact).sum())
        assert row["stable_rank"] == pytest.approx((exact**2).sum() / top**2, rel=1e-2)


def test_an_inactive_hinge_has_no_curvature():
    weight = torch.nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.float64))
    hessian = Hessian((-weight).clamp_min(0).square().sum(), [weight])
    assert hessian(np.array([1.0, 1.0])).tolist() == [0.0, 0.0]
    assert lanczos(hessian, np.array([1.0, 1.0]), 2).values.tolist() == [0.0]


def test_a_linear_loss_has_no_curvature():
    weight = torch.nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.float64))
    hessian = Hessian((3 * weight).sum(), [weight])
    assert hessian.gradient.tolist() == [3.0, 3.0]
    assert hessian(np.array([1.0, 1.0])).tolist() == [0.0, 0.0]


def test_a_slice_bends_as_the_hessian_says_and_leaves_the_model_alone(tiny):
    model, losses = tiny
    parameters = list(model.parameters())
    before = parameters_to_vector(parameters).detach().clone()
    hessian = Hessian(losses()[-1], parameters)
    direction = lanczos(hessian, np.ones(len(before)), 10).vectors[:, -1]
    h = 1e-4
    down, here, up = losses_along(losses, parameters, direction, [-h, 0.0, h])[:, -1]
    assert here == pytest.approx(losses()[-1].item(), rel=1e-14)
    assert (up - 2 * here + down) / h**2 == pytest.approx(direction @ hessian(direction), rel=1e-3)
    assert torch.equal(parameters_to_vector(parameters), before)


def test_the_collocation_points_of_a_measurement_stay(tiny):
    _, losses = tiny
    assert torch.equal(losses(), losses())
