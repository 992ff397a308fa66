"""Errors by hand."""

from datetime import datetime

import numpy as np
import polars as pl
import pytest

from ivyspt import black
from ivyspt.columns import PREDICTIONS, check
from ivyspt.config import Evaluation
from ivyspt.evaluation.metrics import ERRORS, bucket_errors, surface_errors

K, TAU = np.array([-0.1, 0.0, 0.1]), np.array([0.25, 0.25, 0.25])


def make_predictions(fitted, **columns):
    table = pl.DataFrame(
        {
            "point": [0, 1, 2],
            "log_moneyness": K,
            "time_to_maturity": TAU,
            "implied_vol": [0.30, 0.20, 0.25],
            "implied_vol_fitted": fitted,
            "inside_hull": [False, True, True],
            **columns,
        }
    ).with_columns(
        run=pl.lit("m"),
        seed=pl.lit(0),
        mask=pl.lit("random_5"),
        surface_id=pl.lit("A 1"),
        symbol=pl.lit("A"),
        tier=pl.lit("liquid"),
        quote_time=pl.lit(datetime(2024, 1, 2, 16)),
        set=pl.lit("target"),
    )
    return check(table, PREDICTIONS, "a test")


def errors(region="all", **columns):
    table = surface_errors(make_predictions(**columns), Evaluation())
    return check(table, ERRORS, "a test").row(by_predicate=pl.col("region") == region, named=True)


def test_errors_of_three_points_by_hand():
    found = errors(fitted=[0.33, 0.20, 0.21])  # errors 3, 0 and -4 vol points
    assert found["rmse"] == pytest.approx(np.sqrt((9 + 0 + 16) / 3))
    assert found["mae"] == pytest.approx(7 / 3)
    assert found["bias"] == pytest.approx(-1 / 3)
    assert found["mse"] == pytest.approx(25e-4 / 3)
    assert found["mape"] == pytest.approx((3 / 30 + 0 + 4 / 25) / 3 * 100)
    vega = black.vega(np.ones(3), np.exp(K), TAU, np.array([0.30, 0.20, 0.25]))
    assert found["vega_weighted_rmse"] == pytest.approx(np.sqrt(vega @ [9, 0, 16] / vega.sum()))
    assert (found["points"], found["failures"]) == (3, 0)
    assert found["price_error"] is None  # nothing has a bid and an ask
    assert found["calendar_loss"] is None  # nor the method derivatives


def test_inside_and_outside_of_the_hull_are_apart():
    assert errors("outside", fitted=[0.33, 0.20, 0.21])["rmse"] == pytest.approx(3)
    assert errors("inside", fitted=[0.33, 0.20, 0.21])["rmse"] == pytest.approx(np.sqrt(16 / 2))


def test_a_missing_answer_is_scored_as_failing():
    found = errors(fitted=[0.33, None, 0.21])
    assert (found["points"], found["failures"]) == (3, 1)
    assert found["rmse"] == pytest.approx(np.sqrt((9 + 100**2 + 16) / 3))
    assert found["mae"] == pytest.approx((3 + 100 + 4) / 3)


def test_spread_measures():
    # the first answer is the ask's vol, the second the mid's, the third beyond the bid's; the last has no ask
    bid, ask = [0.28, 0.19, 0.24], [0.32, 0.21, None]
    found = errors(fitted=[0.32, 0.20, 0.23], implied_vol_bid=bid, implied_vol_ask=ask)
    put = [black.price(1.0, np.exp(-0.1), 0.25, vol, False) for vol in (0.28, 0.30, 0.32)]
    one_sided = (put[2] - put[1]) / ((put[2] - put[0]) / 2)
    assert found["price_error"] == pytest.approx(one_sided / 2)  # mean with the second point's zero
    assert found["outside_bid_ask"] == pytest.approx(1 / 3)


def test_penalties_at_the_targets():
    found = errors(fitted=[0.3, 0.2, 0.25], w_tau=[-0.1, 0.2, 0.3], durrleman_g=[1.0, -0.5, -0.1])
    assert found["calendar_loss"] == pytest.approx(0.01 / 3)
    assert found["butterfly_loss"] == pytest.approx((0.25 + 0.01) / 3)


def test_intervals_are_judged_by_what_they_cover():
    bounds = {"iv_low_90": [0.28, 0.1, 0.26], "iv_high_90": [0.31, 0.3, 0.28]}
    bounds |= {"iv_low_50": [0.301, 0.19, 0.265], "iv_high_50": [0.305, 0.21, 0.27]}
    found = surface_errors(make_predictions([0.3, 0.2, 0.27], **bounds), Evaluation())
    every = found.row(by_predicate=pl.col("region") == "all", named=True)
    assert every["covered_90"] == pytest.approx(2 / 3)
    assert every["covered_50"] == pytest.approx(1 / 3)
    assert every["width_90"] == pytest.approx(100 * (0.03 + 0.2 + 0.02) / 3)
    silent = surface_errors(make_predictions([0.3, 0.2, 0.27]), Evaluation())
    assert silent.select("covered_90", "covered_50", "width_90").null_count().sum_horizontal().to_list() == [9]


def test_buckets_divide_the_points():
    table = bucket_errors(make_predictions([0.33, 0.20, 0.21]), Evaluation(z_edges=[-0.5, 0.5], tau_edges=[0.5]))
    assert table["points"].to_list() == [1, 1, 1]  # z = -0.8, 0 and 0.8 at the median vol 0.25
    assert table["z_bucket"].to_list() == ["(-0.5, 0.5]", "(-inf, -0.5]", "(0.5, inf]"]
    assert table["rmse"].to_list() == pytest.approx([0, 3, 4])
