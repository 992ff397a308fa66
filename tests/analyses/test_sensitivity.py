"""Derivatives by the market features against differences, and permutations against plain recomputation."""

import numpy as np
import polars as pl
import pytest
import torch

from ivyspt.analyses.sensitivity import (
    derivative_table,
    donor_surfaces,
    feature_derivatives,
    gate_table,
    permutation_table,
)
from ivyspt.analysis_config import Sensitivity
from ivyspt.batches.batch import collate
from ivyspt.columns import DataError
from ivyspt.model.market import FEATURES
from tests.analyses.conftest import make_tasks
from tests.conftest import make_batch, make_model

STEP = 1e-5  # central differences of float64: truncation and rounding both near 1e-10


def differences(model, batch):
    """∂σ/∂feature by central differences."""
    features = model.features(batch)
    columns = []
    for number in range(features.shape[1]):
        move = torch.zeros_like(features)
        move[:, number] = STEP
        with torch.no_grad():
            up, down = (model(batch, features=features + sign * move).implied_vol for sign in (1, -1))
        columns.append((up - down) / (2 * STEP))
    return torch.stack(columns, -1)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"gate_bias": 10.0},
        {"fusion": "add"},
        {"market_tokens": "single"},
        {"level": "erased", "quantity": "total_variance"},
    ],
    ids=["open gate", "gate of the paper", "added", "single token", "total variance"],
)
def test_derivatives_are_those_of_central_differences(settings):
    model, batch = make_model(**settings), make_batch()
    exact = feature_derivatives(model, batch)
    expected = differences(model, batch)
    assert exact.shape == (*batch.asked.shape, len(FEATURES))
    assert torch.allclose(exact, expected, rtol=1e-6, atol=1e-9)
    assert (exact.abs() > 1e-9).all()  # far above the differences' error: no derivative is zero for want of a path


def test_the_chain_rule_carries_one_over_the_features_std():
    model, batch = make_model(), make_batch()
    features = model.features(batch)
    normalisation = model.market_tokens.normalisation
    before = feature_derivatives(model, batch)
    normalisation.running_mean.copy_(features[0] - 2 * (features[0] - normalisation.running_mean))
    normalisation.running_var.copy_(4 * (normalisation.running_var + normalisation.epsilon) - normalisation.epsilon)
    after = feature_derivatives(model, batch)  # the first surface's normalised features are what they were
    assert torch.allclose(after[0], before[0] / 2, rtol=1e-9)


def test_an_unknown_feature_has_no_derivative_and_the_others_have_theirs():
    model, batch = make_model(), make_batch()
    batch.market[1, 2] = torch.nan
    found = feature_derivatives(model, batch)
    assert found[1, :, 2].isnan().all()
    assert found.isnan().sum() == batch.asked.shape[1]


def test_a_shut_gate_leaves_no_sensitivity():
    found = feature_derivatives(make_model(gate_bias=1000.0), make_batch())
    assert found.abs().max() < 1e-13  # rounding of sums of numbers near 1


def test_targets_that_see_each_other_are_refused():
    with pytest.raises(DataError, match="target_attention all"):
        feature_derivatives(make_model(target_attention="all"), make_batch())


def test_the_table_holds_each_target_by_itself():
    model, tasks = make_model(), make_tasks()
    table = derivative_table(model, tasks)
    assert table.height == sum(len(task.asked.log_moneyness) for task in tasks) * len(FEATURES)
    for task in tasks[::2]:
        alone = feature_derivatives(model, collate([(task.context, task.asked)]))[0].numpy()
        own = table.filter(pl.col("surface_id") == task.context.surface_id)
        for number, name in enumerate(FEATURES):
            rows = own.filter(pl.col("feature") == name).sort("point")
            np.testing.assert_allclose(rows["derivative"], alone[:, number], rtol=1e-9, atol=1e-14)
        rate = own.filter(pl.col("feature") == "treasury_rate")["feature_value"]
        assert (rate == task.context.market[2]).all()
        vols = own.filter(pl.col("feature") == "surface_mean")["feature_value"]
        assert vols[0] == pytest.approx(task.context.implied_vol.mean(), rel=1e-12)


def test_features_are_lent_by_another_day_of_the_same_symbol():
    tasks = make_tasks(days=8)
    donors = donor_surfaces(tasks, seed=0, repeat=0)
    assert sorted(donors) == list(range(len(tasks)))
    assert all(tasks[one].context.symbol == task.context.symbol for one, task in zip(donors, tasks, strict=True))
    days = {task.context.symbol: [] for task in tasks}
    for one, task in zip(donors, tasks, strict=True):
        days[task.context.symbol].append(tasks[one].targets["quote_time"][0])
    assert days["AAA"] == days["BBB"]  # symbols move together
    assert not np.array_equal(donors, donor_surfaces(tasks, seed=0, repeat=1))
    assert not np.array_equal(donors, np.arange(len(tasks)))


def test_permuted_features_change_what_plain_recomputation_says():
    model, tasks = make_model(), make_tasks(days=4)
    settings = Sensitivity(permutations=2, seed=5)
    table = permutation_table(model, tasks, settings)
    assert table.height == len(tasks) * (len(FEATURES) + 1) * settings.permutations
    donors = donor_surfaces(tasks, settings.seed, 1)
    moved = False
    for place, task in enumerate(tasks):
        batch = collate([(task.context, task.asked)])
        lender = tasks[donors[place]]
        own, other = model.features(batch), model.features(collate([(lender.context, lender.asked)]))
        lent = own.clone()
        lent[:, 1] = other[:, 1]
        for name, features in (("market_vol", lent), ("all", other)):
            with torch.no_grad():
                before, after = model(batch).implied_vol[0], model(batch, features=features).implied_vol[0]
            row = table.filter(
                (pl.col("surface_id") == task.context.surface_id)
                & (pl.col("feature") == name)
                & (pl.col("repeat") == 1)
            ).row(0, named=True)
            quoted = torch.from_numpy(task.asked.implied_vol)
            assert row["mean_absolute_change_vol_points"] == pytest.approx(100 * (after - before).abs().mean().item())
            assert row["rmse_permuted_vol_points"] == pytest.approx(
                100 * (after - quoted).square().mean().sqrt().item()
            )
            assert row["rmse_vol_points"] == pytest.approx(100 * (before - quoted).square().mean().sqrt().item())
            moved |= row["mean_absolute_change_vol_points"] > 1e-6
    assert moved


def test_a_model_without_the_market_does_not_mind_permutations():
    table = permutation_table(make_model(external_attention=False), make_tasks(), Sensitivity(permutations=1))
    assert (table["mean_absolute_change_vol_points"] == 0).all()


def test_the_gate_is_that_of_the_targets_that_are_asked():
    model, tasks = make_model(gate_bias=3.0), make_tasks()
    table = gate_table(model, tasks)
    with torch.no_grad():
        alone = [model(collate([(task.context, task.asked)])).attended for task in tasks]
    for block, row in enumerate(table.iter_rows(named=True)):
        every = torch.cat([(1 - attended[block].gate[0]).mean(-1) for attended in alone])
        assert row["targets"] == len(every)
        assert row["market_weight_mean"] == pytest.approx(every.mean().item(), rel=1e-9)
        assert row["market_weight_max"] == pytest.approx(every.max().item(), rel=1e-9)
    assert gate_table(make_model(fusion="add"), tasks).is_empty()
