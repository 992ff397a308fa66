"""The analyses from tables and weights to their results, by files alone."""

import polars as pl
import pytest
import torch

from ivyspt.analyses.stress import DAYS
from ivyspt.artefacts import read_table
from ivyspt.columns import DataError
from ivyspt.config import Model
from ivyspt.model.ivyspt import IvySPT
from ivyspt.stages import label_days, map_attention, measure_sensitivity
from ivyspt.training.checkpoint import save_weights
from tests.evaluation.conftest import make_study

MASKS = {"liquid": ["quarter"], "sparse": ["visible", "quarter"]}
SURFACES = ["AAA 2024-01-05", "BBB 2024-01-05"]


@pytest.fixture
def study(tmp_path):
    paths = {}
    for name, table in zip(("points", "market_features", "split", "masks"), make_study(days=4), strict=True):
        paths[name] = tmp_path / f"{name}.parquet"
        table.write_parquet(paths[name])
    model = IvySPT(Model(dimension=8, blocks=1, heads=2), torch.Generator().manual_seed(0))
    paths["weights"] = tmp_path / "weights.safetensors"
    save_weights(model, paths["weights"], {})
    return paths


@pytest.mark.parametrize(("phase", "symbol"), [("pretrain", "AAA"), ("finetune", "BBB")])
def test_a_phase_is_asked_about_its_own_tier(study, tmp_path, phase, symbol):
    out = {name: tmp_path / f"{name}.parquet" for name in ("derivatives", "permutations", "gates")}
    settings = measure_sensitivity.Settings.model_validate({"masks": MASKS, "sensitivity": {"permutations": 1}})
    measure_sensitivity.run(settings, **study, run=f"ivyspt.{phase}", phase=phase, seed=7, **out)
    derivatives, permutations, gates = (pl.read_parquet(path) for path in out.values())
    assert set(derivatives["symbol"]) == {symbol}
    assert derivatives["date"].n_unique() == 2  # validation and test
    rate = derivatives.filter(pl.col("feature") == "treasury_rate")
    assert rate["derivative"].null_count() == rate.height  # the study has no rate
    assert derivatives.filter(pl.col("feature") != "treasury_rate")["derivative"].null_count() == 0
    assert (permutations["seed"] == 7).all()
    assert gates["market_weight_mean"][0] == pytest.approx(4.54e-5, rel=0.2)  # 1 - sigmoid(10), weights of std 0.02


def test_maps_are_of_the_named_surfaces_of_the_tier(study, tmp_path):
    settings = {"masks": MASKS, "attention": {"surfaces": SURFACES, "targets": [{"z": 0.0, "days": 60}]}}
    out = {name: tmp_path / f"{name}.parquet" for name in ("maps", "summary")}
    for phase, surface in zip(("pretrain", "finetune"), SURFACES, strict=True):
        run = f"ivyspt.{phase}"
        map_attention.run(map_attention.Settings.model_validate(settings), **study, run=run, phase=phase, seed=0, **out)
        maps = pl.read_parquet(out["maps"])
        assert set(maps["surface_id"]) == {surface}
        assert set(maps["run"]) == {run}
        assert pl.read_parquet(out["summary"])["targets"].min() > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attention": {"surfaces": ["AAA 2024-01-02"]}}, "validation or test days, got AAA 2024-01-02"),
        ({"attention": {"surfaces": ["CCC 2024-01-05"]}}, "got CCC 2024-01-05"),
        ({"masks": {"liquid": ["half"]}}, r"analyses\.masks\.liquid must name a mask .*, quarter, got half"),
    ],
    ids=["a training day", "another symbol", "an unknown mask"],
)
def test_what_is_not_there_is_named(study, tmp_path, change, message):
    settings = map_attention.Settings.model_validate({"masks": MASKS, "attention": {}} | change)
    out = {name: tmp_path / f"{name}.parquet" for name in ("maps", "summary")}
    with pytest.raises(DataError, match=message):
        map_attention.run(settings, **study, run="ivyspt.pretrain", phase="pretrain", seed=0, **out)


def test_every_day_of_the_study_is_labelled(study, tmp_path):
    settings = label_days.Settings.model_validate({"stress": {}})
    tables = {name: study[name] for name in ("points", "market_features", "split")}
    label_days.run(settings, **tables, days=tmp_path / "days.parquet")
    days = read_table(tmp_path / "days.parquet", DAYS)
    assert days.height == 4
    assert days["stress"].all()  # the market is the same every day: each is at the quantile
