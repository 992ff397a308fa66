"""The predictions table: what is asked, what is never shown, and where the audit looks."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from ivyspt.baselines.registry import build
from ivyspt.columns import DataError
from ivyspt.completion import Context
from ivyspt.evaluation.audit_grid import audit_grid
from ivyspt.evaluation.hull import inside_hull
from ivyspt.evaluation.predictions import predict_surfaces
from ivyspt.evaluation.tasks import drawn, masked_surfaces, training_surfaces
from tests.evaluation.conftest import EVALUATION, Analytic, Mute, make_study

SPLINE = {"smoothing": 0.01, "coordinates": "standardised", "response": "implied_vol"}


def predicted(method, study):
    points, features, split, masks = study
    tasks = masked_surfaces(points, features, split, masks, "test")
    return predict_surfaces(method, tasks, EVALUATION, "method", 0, 0)


def with_noise(study, seed=0):
    points, *rest = study
    noise = np.random.default_rng(seed).uniform(-0.02, 0.02, points.height)
    return (points.with_columns(implied_vol=pl.col("implied_vol") + noise), *rest)


def test_answers_know_neither_target_nor_hidden_vols():
    points, *rest = study = with_noise(make_study())
    *_, masks = rest
    shown = masks.filter(pl.col("role") == "context").select("surface_id", "point", shown=pl.lit(True))
    unknown = points.join(shown, on=["surface_id", "point"], how="left")["shown"].is_null()
    altered = points.with_columns(
        implied_vol=pl.when(unknown).then(pl.col("implied_vol") + 0.5).otherwise("implied_vol")
    )
    before, after = (predicted(build("cubic_spline", SPLINE), (table, *rest)) for table in (points, altered))
    quoted = ["implied_vol"]
    assert not before.select(quoted).equals(after.select(quoted))
    assert before.drop(quoted).equals(after.drop(quoted))
    seen = predicted(build("cubic_spline", SPLINE), with_noise(study, seed=1))
    assert not seen.drop(quoted).equals(before.drop(quoted))  # the context does matter


def test_training_shows_visible_points_of_training_days_alone():
    points, features, split, _ = make_study(days=4)
    pairs = training_surfaces(points, features, split)
    assert [context.implied_vol.size for context, _ in pairs] == [15, 15, 8, 8]  # of fifteen, eight are visible
    assert {context.surface_id[4:] for context, _ in pairs} == {"2024-01-02", "2024-01-03"}
    assert np.isnan(pairs[0][0].market[2])


def test_a_mask_may_not_show_a_hidden_point():
    points, features, split, masks = make_study()
    everything = masks.with_columns(
        role=pl.when(pl.col("point") > 0).then(pl.lit("context")).otherwise(pl.lit("target"))
    )
    with pytest.raises(DataError, match="hidden points must never be context, got 7"):
        masked_surfaces(points, features, split, everything, "test")


def test_flat_surface_fills_the_table():
    def flat(k, tau):
        return 0.04 * tau, 0 * k, 0 * k, 0.04 + 0 * k

    table = predicted(Analytic(flat), make_study())
    targets, nodes = (table.filter(pl.col("set") == kind) for kind in ("target", "audit"))
    assert targets.height == 11 + 11  # of fifteen points a surface four are context
    assert nodes.height == 2 * 49 * 12
    np.testing.assert_allclose(table["durrleman_g"], 1.0, rtol=1e-14)  # flat: g = 1
    np.testing.assert_allclose(nodes["w_tau_difference"], 0.04, rtol=1e-12)
    np.testing.assert_allclose(nodes["w_kk_difference"], 0.0, atol=1e-9)  # 1e-17 / h^2
    assert targets["w_tau_difference"].null_count() == targets.height


def test_stated_intervals_reach_the_table_in_the_order_of_the_points():
    class Stating(Analytic):
        def complete(self, context, log_moneyness, time_to_maturity):
            found = super().complete(context, log_moneyness, time_to_maturity)
            bounds = {level: (found.implied_vol - level * 1e-3, log_moneyness) for level in (90, 50)}
            return replace(found, intervals=bounds)

    def flat(k, tau):
        return 0.04 * tau, 0 * k, 0 * k, 0.04 + 0 * k

    table = predicted(Stating(flat), make_study())
    assert set(table["set"]) == {"target", "audit"}
    for level in (90, 50):
        assert table[f"iv_high_{level}"].equals(table["log_moneyness"], check_names=False)
        np.testing.assert_allclose(table[f"iv_low_{level}"], 0.2 - level * 1e-3)
    assert predicted(Analytic(flat), make_study())["iv_low_90"].null_count() == table.height


def test_the_audit_reaches_six_standard_deviations_from_a_week_to_the_longest_expiry():
    grid = audit_grid(make_context([-0.1, 0.0, 0.1], [0.5, 0.5, 1.0]), EVALUATION)
    assert grid.time_to_maturity.min() == pytest.approx(0.0192)
    assert grid.time_to_maturity.max() == pytest.approx(1.0)
    z = grid.log_moneyness / (0.2 * np.sqrt(grid.time_to_maturity))
    assert (z.min(), z.max()) == (pytest.approx(-6), pytest.approx(6))


def test_surfaces_are_audited_under_the_named_masks_alone():
    points, features, split, masks = make_study()
    twice = pl.concat([masks.with_columns(mask=pl.lit(name)) for name in ("random_5", "random_9")])
    tasks = masked_surfaces(points, features, split, twice, "test")
    evaluation = EVALUATION.model_copy(update={"audit_masks": ["random_9"]})
    table = predict_surfaces(Mute(), tasks, evaluation, "method", 0, 0)
    assert set(table.filter(pl.col("set") == "audit")["mask"]) == {"random_9"}
    assert set(table.filter(pl.col("set") == "target")["mask"]) == {"random_5", "random_9"}


def test_a_mute_method_leaves_nulls_on_every_row():
    table = predicted(Mute(), make_study())
    for name in ("implied_vol_fitted", "total_variance", "w_k", "durrleman_g", "w_kk_difference"):
        assert table[name].null_count() == table.height


def test_a_method_without_derivatives_has_none_by_differences_either():
    forest = build("random_forest", {"trees": 2, "min_samples_leaf": 1, "max_features": 1.0, "coordinates": "plain"})
    table = predicted(forest, make_study())
    assert table["implied_vol_fitted"].null_count() == 0
    for name in ("w_k", "durrleman_g", "w_k_difference", "w_tau_difference"):
        assert table[name].null_count() == table.height


def make_context(k, tau):
    return Context("A", "A", np.array(k), np.array(tau), np.full(len(k), 0.2), np.zeros(3))


def test_hull_of_a_triangle_and_of_a_segment():
    tau = np.array([0.1, 0.1, 0.4])
    triangle = make_context([-0.1, 0.1, 0.0], tau)
    inside = inside_hull(
        triangle, np.array([0.0, 0.1, 0.0, -0.12, 0.0, 0.01]), np.array([0.2, 0.1, 0.4, 0.1, 0.5, 0.4])
    )
    assert inside.tolist() == [True, True, True, False, False, False]
    segment = make_context([-0.1, 0.1, 0.0], [0.1, 0.1, 0.1])
    assert inside_hull(segment, np.array([0.05, 0.2, 0.0]), np.array([0.1, 0.1, 0.11])).tolist() == [True, False, False]


def test_who_is_drawn_first_does_not_depend_on_who_else_is_there():
    few, many = drawn(map(str, range(10)), 4, seed=1), drawn(map(str, range(10)), 7, seed=1)
    assert len(few) == 4
    assert few < many
    assert drawn(sorted(few), 4, seed=1) == few
    assert drawn(map(str, range(10)), 4, seed=2) != few
