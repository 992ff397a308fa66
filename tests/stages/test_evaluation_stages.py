"""A baseline from tables to the comparison, by files alone."""

import json

import polars as pl
import pytest

from ivyspt.columns import PREDICTIONS, check
from ivyspt.stages import compare, evaluate, fit_baseline
from tests.evaluation.conftest import make_study

EVALUATION = {
    "audit_surfaces": 1,
    "price_test_surfaces": 1,
    "audit_points": (9, 3),
    "reference": "line",
    "bootstrap_draws": 20,
}
ROW = {
    "label": "polynomial",
    "method": "polynomial",
    "candidates": {"degree": [1, 2], "ridge": [1e-6], "coordinates": ["plain"], "response": ["implied_vol"]},
}


@pytest.fixture
def study(tmp_path):
    paths = {}
    for name, table in zip(("points", "market_features", "split", "masks"), make_study(days=6), strict=True):
        paths[name] = tmp_path / f"{name}.parquet"
        table.write_parquet(paths[name])
    return paths


def test_a_baseline_is_tuned_measured_and_compared(study, tmp_path):
    errors, audits = [], []
    for name, degrees in (("line", [1]), ("curve", [1, 2])):
        row = ROW | {"candidates": ROW["candidates"] | {"degree": degrees}}
        settings = {"name": name, "seed": 0, "baseline": row, "masking": {}, "evaluation": EVALUATION}
        out = {each: tmp_path / f"{name}_{each}" for each in ("predictions", "chosen", "errors", "buckets", "audit")}
        fit_baseline.run(
            fit_baseline.Settings.model_validate(settings),
            **study,
            predictions=out["predictions"],
            chosen=out["chosen"],
        )
        check(pl.read_parquet(out["predictions"]), PREDICTIONS, "a test")
        kept = json.loads(out["chosen"].read_text())
        assert kept["chosen"][-1]["values"]["degree"] in degrees
        assert kept["seconds_predict"] > 0
        assert kept["milliseconds_p50"] <= kept["milliseconds_p95"]
        assert kept["peak_memory_mebibytes"] > 10
        evaluate.run(
            evaluate.Settings(masking={}, evaluation=EVALUATION),
            predictions=out["predictions"],
            errors=out["errors"],
            buckets=out["buckets"],
            audit=out["audit"],
        )
        errors.append(out["errors"])
        audits.append(out["audit"])
    compare.run(
        compare.Settings(evaluation=EVALUATION), errors=errors, audits=audits, comparison=tmp_path / "comparison"
    )
    table = pl.read_parquet(tmp_path / "comparison")
    assert set(table["run"]) == {"line", "curve"}
    rmse = table.filter(pl.col("metric") == "rmse")
    assert rmse["mean"].max() < 1e-6  # vol points: the made vols are flat, so every polynomial recovers them
    flat = table.filter(pl.col("metric") == "violating")
    assert (flat["mean"] == 0).all()
