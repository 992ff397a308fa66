"""The tangent kernel is the Gram matrix of explicit gradients, and its spectrum predicts gradient descent."""

import numpy as np
import pytest
import torch

from ivyspt.analyses.initial import initial_model, set_back
from ivyspt.analyses.tangent_kernel import answers, spectrum, tangent_kernel
from ivyspt.analyses.training_speed import measure
from ivyspt.analysis_config import TangentKernel
from ivyspt.columns import DataError
from ivyspt.config import Masking, Model, Phase, Training
from ivyspt.model.ivyspt import IvySPT
from tests.conftest import make_batch, make_model
from tests.training.test_loop import SURFACES

ROOMY = 1e9  # bytes


@pytest.fixture(scope="module")
def batches():
    return [make_batch(contexts=(count,), targets=targets, seed=count) for count, targets in ((6, 3), (9, 5))]


def explicit(model, batches) -> np.ndarray:
    """One backward pass an output."""
    rows = []
    for batch in batches:
        for place in range(int(batch.asked.sum())):
            slopes = torch.autograd.grad(answers(model, batch)[place], list(model.parameters()), materialize_grads=True)
            rows.append(torch.cat([slope.reshape(-1) for slope in slopes]).numpy())
    return np.array(rows)


@pytest.mark.parametrize("settings", [{}, {"level": "erased"}, {"kernel": "none", "level": "mean"}], ids=str)
def test_kernel_equals_the_gram_matrix_of_explicit_gradients(batches, settings):
    model = make_model(**settings)
    slopes = explicit(model, batches)
    np.testing.assert_allclose(
        tangent_kernel(model, batches, ROOMY), slopes @ slopes.T, atol=1e-12 * (slopes**2).sum(1).max()
    )


def test_less_memory_gives_the_same_kernel(batches):
    model = make_model()
    outputs, largest = 8, max(parameter.numel() for parameter in model.parameters())
    tight = tangent_kernel(model, batches, outputs * largest * 8)
    whole = tangent_kernel(model, batches, ROOMY)
    np.testing.assert_allclose(tight, whole, atol=1e-12 * whole.max())


def test_too_little_memory_is_one_clear_error(batches):
    with pytest.raises(DataError, match="memory for gradients must hold those of the largest parameter"):
        tangent_kernel(make_model(), batches, 100.0)


def test_eigenvalues_are_not_negative_beyond_rounding(batches):
    found = spectrum(tangent_kernel(make_model(), batches, ROOMY), np.ones(8))
    assert (found.eigenvalues >= -found.rounding).all()
    assert (np.diff(found.eigenvalues) <= 0).all()
    assert found.shares.sum() == pytest.approx(1)


def test_rank_and_condition_are_those_of_the_gradients():
    slopes = np.diag([3.0, 2.0, 1.0]) @ np.random.default_rng(0).normal(size=(3, 20))
    doubled = np.concatenate((slopes, slopes[:1]))  # one answer twice: rank 3 of 4
    found = spectrum(doubled @ doubled.T, np.ones(4))
    singular = np.linalg.svd(doubled, compute_uv=False)
    assert found.rank == 3
    assert found.condition_number == pytest.approx((singular[0] / singular[2]) ** 2, rel=1e-9)


def test_the_predicted_descent_is_gradient_descent_on_the_linear_model():
    generator = np.random.default_rng(1)
    slopes, errors = generator.normal(size=(5, 30)), generator.normal(size=5)
    found = spectrum(slopes @ slopes.T, errors)
    parameters, rate = np.zeros(30), 1 / found.eigenvalues[0]  # of half the squared error
    left = []
    for _ in range(20):
        left.append(((errors + slopes @ parameters) ** 2).sum() / (errors**2).sum())
        parameters -= rate * slopes.T @ (errors + slopes @ parameters)
    np.testing.assert_allclose(found.loss_left(np.arange(20)), left, rtol=1e-9)


def test_at_the_start_the_main_lines_kernel_has_the_rank_of_its_last_layer(batches):
    """The read-out starts at zero, so that at first it and the regression's hyper-parameters alone move the answer."""
    settings = Model(dimension=4, blocks=1, heads=1)
    model = initial_model(settings, 0, batches[1])
    movable = sum(p.numel() for name, p in model.named_parameters() if name.startswith(("head.", "regression.")))
    many = [make_batch(contexts=(12,), targets=30, seed=seed) for seed in range(2)]
    found = spectrum(tangent_kernel(model, many, ROOMY), np.ones(60))
    assert found.rank <= movable < 60


def test_the_initial_model_is_the_seeds_and_normalises_as_a_first_step(batches):
    settings = Model(dimension=8, blocks=1, heads=2, dropout=0.2)
    model, fresh = initial_model(settings, 3, batches[0]), IvySPT(settings, torch.Generator().manual_seed(3)).double()
    for ours, theirs in zip(model.parameters(), fresh.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    with torch.no_grad():
        fresh.train()(batches[0], generator=torch.Generator().manual_seed(0))
    assert torch.equal(model.point_normalisation.running_mean, fresh.point_normalisation.running_mean)
    assert not model.training


def test_setting_back_keeps_the_statistics_and_no_parameter():
    trained = make_model(seed=5)
    back = set_back(trained, 7)
    fresh = IvySPT(trained.settings, torch.Generator().manual_seed(7)).double()
    for ours, theirs in zip(back.parameters(), fresh.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert torch.equal(back.point_normalisation.running_var, trained.point_normalisation.running_var)


def test_outputs_are_capped_and_said():
    phase = Phase(epochs=3, batch_size=4)
    training, settings = Training(pretrain=phase, finetune=phase), TangentKernel(runs=[], share=0.5, max_outputs=7)
    trained = make_model(level="erased")
    found = measure(SURFACES, trained, Masking(), training, settings, seed=0)
    row = found.summary.row(0, named=True)
    assert row["surfaces"] == 5
    assert row["outputs"] == found.eigenvalues.height <= 7
    assert row["steps"] == 3 * 3
    assert found.eigenvalues["eigenvalue_squared_vol"].sum() == pytest.approx(row["trace_squared_vol"])
    assert found.descent["loss_left"].is_between(0, 1).all()
    assert row["loss_left"] == pytest.approx(found.descent["loss_left"][-1])
    assert row["final_loss_squared_vol"] != row["initial_loss_squared_vol"]
