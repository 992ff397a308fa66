"""The model is a function of (k, τ): its derivatives, invariances and positivity."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ivyspt.batches.batch import collate
from ivyspt.jets import KK, TAU, VALUE, K
from ivyspt.model.kernel_embedding import bandwidths
from tests.conftest import make_batch, make_model, make_pair

EXACT = 1e-12  # relative, float64 (another order of summation moves the last digits)
VARIANTS = [
    {},
    {"level": "erased"},
    {"kernel": "none", "level": "mean"},
    {"level": "kernel_mean"},
    {"embedding_norm": "layer", "bandwidth_floor": 0.0},
    {"level": "erased", "quantity": "total_variance", "positive": False, "coordinates": "raw"},
    {"positional_encoding": "none"},
    {"fusion": "add"},
    {"external_attention": False},
    {"market_tokens": "single"},
]


def relative(got: torch.Tensor, wanted: torch.Tensor) -> float:
    return ((got - wanted).abs().max() / wanted.abs().max()).item()


def permuted(batch, order):
    names = ("context_log_moneyness", "context_time_to_maturity", "context_implied_vol", "present")
    return replace(batch, **{name: getattr(batch, name)[:, order] for name in names})


def moved(batch, k=0.0, tau=0.0):
    return replace(
        batch,
        target_log_moneyness=batch.target_log_moneyness + k,
        target_time_to_maturity=batch.target_time_to_maturity + tau,
    )


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_derivatives_equal_central_differences(settings, batch):
    model = make_model(**settings)
    w = model(batch, derivatives=True).total_variance.detach()
    # the narrowest kernel is .04 wide, so these steps leave a truncation of 1e-3 and a rounding of 1e-7, relative
    h, dt = 1e-4, 1e-5

    def at(k=0.0, tau=0.0):
        return model(moved(batch, k, tau)).total_variance[VALUE].detach()

    assert relative(w[K], (at(h) - at(-h)) / (2 * h)) < 2e-3
    assert relative(w[KK], (at(h) - 2 * at() + at(-h)) / h**2) < 1e-2
    assert relative(w[TAU], (at(tau=dt) - at(tau=-dt)) / (2 * dt)) < 2e-3
    torch.testing.assert_close(w[VALUE], at())


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_answer_does_not_depend_on_the_order_of_the_context(settings):
    batch = make_batch(contexts=(9, 9))
    model = make_model(**settings)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(3))
    got = model(permuted(batch, order), derivatives=True).total_variance
    assert relative(got, model(batch, derivatives=True).total_variance) < EXACT


def test_order_of_the_context_moves_float32_by_rounding_alone():
    batch = make_batch(contexts=(9, 9)).to(torch.device("cpu"), torch.float32)
    model = make_model().float()
    order = torch.randperm(9, generator=torch.Generator().manual_seed(3))
    assert relative(model(permuted(batch, order)).total_variance, model(batch).total_variance) < 1e-5


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_answer_does_not_depend_on_what_else_is_asked(settings, batch):
    model = make_model(**settings)
    together = model(batch, derivatives=True).total_variance
    names = ("target_log_moneyness", "target_time_to_maturity", "target_implied_vol", "asked")
    alone = replace(batch, **{name: getattr(batch, name)[:, 2:3] for name in names})
    assert relative(model(alone, derivatives=True).total_variance[:, :, 0], together[:, :, 2]) < EXACT


def test_derivative_with_respect_to_another_target_is_identically_zero(batch):
    model = make_model()
    k = batch.target_log_moneyness.clone().requires_grad_()
    w = model(replace(batch, target_log_moneyness=k)).total_variance[VALUE]
    slope = torch.autograd.grad(w[:, 0].sum(), k)[0]
    assert slope[:, 0].abs().min() > 0
    assert (slope[:, 1:] == 0).all()


def test_as_published_the_answer_depends_on_what_else_is_asked(batch):
    model = make_model(target_attention="all")
    w = model(batch).total_variance[VALUE]
    other = replace(batch, target_log_moneyness=batch.target_log_moneyness.clone())
    other.target_log_moneyness[:, 1] += 0.1
    assert relative(model(other).total_variance[VALUE][:, 0], w[:, 0]) > 1e-6


def test_as_published_derivatives_are_refused_for_several_targets(batch):
    with pytest.raises(ValueError, match="one target a surface, got 5 targets"):
        make_model(target_attention="all")(batch, derivatives=True)


def test_as_published_derivatives_equal_differences_for_one_target():
    batch = make_batch(targets=1)
    model = make_model(target_attention="all")
    h = 3e-4
    w = model(batch, derivatives=True).total_variance
    rise = model(moved(batch, h)).total_variance[VALUE] - model(moved(batch, -h)).total_variance[VALUE]
    assert relative(w[K], rise / (2 * h)) < 2e-3


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_padding_changes_nothing(settings):
    model = make_model(**settings)
    generator = np.random.default_rng(5)
    short, long = make_pair(generator, 6, 3), make_pair(generator, 15, 8)
    alone = collate([short]).to(torch.device("cpu"), torch.float64)
    padded = collate([short, long]).to(torch.device("cpu"), torch.float64)
    got = model(padded, derivatives=True).total_variance[:, 0, :3]
    assert relative(got, model(alone, derivatives=True).total_variance[:, 0]) < EXACT


def test_training_statistics_come_from_context_points_alone(batch):
    one, other = make_model().train(), make_model().train()
    wild = replace(batch, target_log_moneyness=batch.target_log_moneyness + 5.0)
    one(batch), other(wild)
    torch.testing.assert_close(one.point_normalisation.running_mean, other.point_normalisation.running_mean)
    joint = make_model(normalisation="joint").train()
    before = joint.point_normalisation.running_mean.clone()
    joint(wild)
    assert (joint.point_normalisation.running_mean[0] - before[0]).abs() > 0.1


def test_as_published_running_statistics_never_move(batch):
    model = make_model(normalisation_momentum=0.0).train()
    model(batch)
    assert (model.point_normalisation.running_mean == 0).all()


def test_vol_is_positive_by_construction(batch):
    model = make_model(perturbation=3.0)
    far = moved(batch, 4.0, 2.0)
    assert (model(far).implied_vol > 0).all()


@pytest.mark.parametrize("level", ["mean", "kernel_mean", "kernel_regression"])
def test_the_level_of_vol_passes_through(level, batch):
    """At zero correction a flat context is answered flat; the published layer norms erase the level."""
    model = make_model(perturbation=0.0, level=level)
    with torch.no_grad():
        model.head.weight.zero_()
    constant = replace(batch, context_implied_vol=torch.full_like(batch.context_implied_vol, 0.7))
    torch.testing.assert_close(model(constant).implied_vol, torch.full_like(batch.target_implied_vol, 0.7))


def test_missing_market_feature_is_answered_and_differs_from_a_value(batch):
    model = make_model()
    market = batch.market.clone()
    market[:, 1] = torch.nan
    missing = model(replace(batch, market=market)).implied_vol
    assert missing.isfinite().all()
    assert relative(missing, model(batch).implied_vol) > 1e-8


def test_market_features_describe_the_visible_points(batch):
    model = make_model()
    features = model.features(batch)
    for row in range(len(features)):
        visible = batch.context_implied_vol[row][batch.present[row]]
        torch.testing.assert_close(features[row, 3], visible.mean())
        torch.testing.assert_close(features[row, 4], visible.std(unbiased=False))


def test_bandwidths_are_the_papers():
    """method: .019 … 2.42 at 64 channels."""
    h = bandwidths(64)
    assert h[0].item() == pytest.approx(0.0193, abs=5e-5)
    assert h[-1].item() == pytest.approx(2.42, abs=5e-3)
    assert bandwidths(64, floor=0.3).min() >= 0.3


def test_initial_weights_are_the_papers():
    model = make_model(perturbation=0.0, dimension=64, blocks=3, heads=4, gate_bias=10.0)
    for depth, block in enumerate(model.encoder.blocks, start=1):
        expected = 0.02 / (2 * depth) ** 0.5
        for weight in (block.self_attention.output.weight, block.feed_forward.fall.weight):
            assert weight.std().item() == pytest.approx(expected, rel=0.1)  # of 4096 draws or more
        assert block.self_attention.query.weight.std().item() == pytest.approx(0.02, rel=0.1)
        assert (block.fusion.gate.bias == 10).all()
    shares = [1 - looked.gate.mean().item() for looked in model(make_batch()).attended]
    assert max(shares) < 1e-3  # the market's share starts near 4.5e-5


def test_single_market_token_is_always_attended_to_fully(batch):
    for looked in make_model(market_tokens="single")(batch).attended:
        assert (looked.market == 1).all()
    assert make_model()(batch).attended[0].market.max() < 1
