"""The parts of the losses add up to the losses."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from ivyspt.analyses.decomposition import decompose_losses
from ivyspt.evaluation.metrics import surface_errors
from ivyspt.evaluation.predictions import predict_surfaces
from ivyspt.evaluation.tasks import masked_surfaces
from tests.evaluation.conftest import EVALUATION, Analytic, make_study
from workflow.scripts.analyses import LOSSES, surface_losses


def bent(k, tau):
    """A surface with errors, butterflies and calendars: w = (0.05 - 0.03 tau + 0.01 cos 20 k) tau."""
    wave = 0.01 * np.cos(20 * k)
    return (
        (0.05 - 0.03 * tau + wave) * tau,
        -0.2 * np.sin(20 * k) * tau,
        -400 * wave * tau,
        0.05 - 0.06 * tau + wave,
    )


@pytest.fixture(scope="module", params=[True, False], ids=["derivatives", "values"])
def predictions(request):
    points, features, split, masks = make_study()
    tasks = masked_surfaces(points, features, split, masks, "test")
    return predict_surfaces(Analytic(bent, request.param), tasks, EVALUATION, "bent", 3, 0)


def test_buckets_add_up_to_the_surfaces_losses(predictions):
    split = make_study()[2]
    table = decompose_losses(predictions, split, EVALUATION)
    whole = surface_losses(table).sort("mask", "surface_id")
    errors = surface_errors(predictions, EVALUATION).filter(pl.col("region") == "all").sort("mask", "surface_id")
    assert table.height > whole.height  # several buckets a surface
    derived = predictions["w_tau"].is_not_null().any()
    for column, loss in zip(LOSSES, ("mse", "calendar_loss", "butterfly_loss"), strict=True):
        if loss == "mse" or derived:
            assert whole[column].to_list() == pytest.approx(errors[loss].to_list(), rel=1e-12)
            assert (whole[column] > 0).all()
        else:
            assert whole[column].null_count() == whole.height
    assert table["points"].sum() == errors["points"].sum()
    assert (table["seed"] == 3).all()


def test_a_study_of_one_year_is_told_by_months_and_a_longer_one_by_years(predictions):
    split = make_study()[2]
    assert set(decompose_losses(predictions, split, EVALUATION)["period"]) == {"2024-01"}
    longer = pl.concat([split, split.head(1).with_columns(date=pl.lit(date(2023, 12, 29)))])
    assert set(decompose_losses(predictions, longer, EVALUATION)["period"]) == {"2024"}
