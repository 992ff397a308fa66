"""Search, flatness, tangent kernel and traces, by files alone, on a study of a few flat surfaces."""

import polars as pl
import pytest
import yaml

from ivyspt.columns import DataError
from ivyspt.config import Phase
from ivyspt.stages import (
    cluster_points,
    finetune,
    measure_flatness,
    measure_tangent_kernel,
    pretrain,
    rank_trials,
    trace_training,
    train_trial,
)
from tests.evaluation.conftest import make_study

PHASE = Phase(epochs=2, batch_size=3).model_dump()
SECTIONS = {
    "model": {"dimension": 8, "blocks": 1, "heads": 2},
    "losses": {"collocation_points": 4},
    "training": {"pretrain": PHASE, "finetune": PHASE},
    "masking": {},
}
LOSSES = {"fit", "calendar", "butterfly"}


def settings(stage, *names, **more):
    return stage.Settings.model_validate({name: SECTIONS[name] for name in names} | more)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    names = ("points", "market_features", "split")
    paths = {name: folder / f"{name}.parquet" for name in (*names, "clusters")}
    for name, table in zip(names, make_study(days=8)[:3], strict=True):
        table.write_parquet(paths[name])
    cluster_points.run(settings(cluster_points, "masking"), **{name: paths[name] for name in ("points", "clusters")})
    return paths


@pytest.fixture(scope="module")
def trained(tables, tmp_path_factory):
    """The folder of a run trained in both phases."""
    folder = tmp_path_factory.mktemp("runs") / "ivyspt" / "3"
    for stage, name, before in (
        (pretrain, "pretrain", {}),
        (finetune, "finetune", {"pretrained": folder / "pretrain.safetensors"}),
    ):
        sections = ("losses", "training", "masking", *(() if before else ("model",)))
        out = {"weights": folder / f"{name}.safetensors", "history": folder / f"{name}_history.parquet"}
        common = {"run": "ivyspt", "seed": 3, "checkpoint": folder / "checkpoint"}
        stage.run(settings(stage, *sections), **before, **tables, **common, **out)
    return folder


def trial(tables, path, points=None, **model):
    merged = {"model": SECTIONS["model"] | model, "subset": {"share": 0.2}}
    made = settings(train_trial, "losses", "training", "masking", **merged)
    train_trial.run(made, **(tables | ({"points": points} if points else {})), trial=path.stem, losses=path)
    return pl.read_parquet(path)


def test_a_trial_sees_training_and_validation_days_alone(tables, tmp_path):
    plain = trial(tables, tmp_path / "a.parquet")
    assert plain["training_surfaces"][0] == 3  # a fifth of sixteen
    assert plain["validation_surfaces"][0] == 2  # all that one validation day has
    assert set(plain["loss"]) == LOSSES
    points = pl.read_parquet(tables["points"])
    tested = pl.read_parquet(tables["split"]).filter(pl.col("split") == "test")["date"]
    wild = pl.when(pl.col("quote_time").dt.date().is_in(tested.implode())).then(2.5).otherwise(pl.col("implied_vol"))
    points.with_columns(implied_vol=wild).write_parquet(tmp_path / "points.parquet")
    again = trial(tables, tmp_path / "b.parquet", points=tmp_path / "points.parquet")
    assert again["value"].to_list() == plain["value"].to_list()


def test_the_best_trial_becomes_a_configuration(tables, tmp_path):
    paths = [tmp_path / f"{name}.parquet" for name in ("grid_1x8", "grid_1x4")]
    for path, dimension in zip(paths, (8, 4), strict=True):
        trial(tables, path, dimension=dimension)
    out = {name: tmp_path / f"{name}.parquet" for name in ("losses", "ranking")}
    rank_trials.run(rank_trials.Settings(), trials=paths, **out, chosen=tmp_path / "chosen.yaml")
    ranking = pl.read_parquet(out["ranking"])
    assert sorted(ranking["dimension"]) == [4, 8]
    assert yaml.safe_load((tmp_path / "chosen.yaml").read_text())["model"]["dimension"] == ranking["dimension"][0]
    assert (
        pl.read_parquet(out["losses"]).height == 2 * (2 * 2 + 1) * 3
    )  # trials, splits and epochs and the judgement, losses


@pytest.mark.parametrize(("state", "tier"), [("initial", "liquid"), ("pretrain", "liquid"), ("finetune", "sparse")])
def test_flatness_is_measured_where_a_training_starts_and_ends(tables, trained, tmp_path, state, tier):
    phase = "pretrain" if state == "initial" else state
    out = {name: tmp_path / f"{name}.parquet" for name in ("summary", "magnitudes", "eigenvalues", "slices")}
    study = {"surfaces": 1, "lanczos_steps": 4, "probes": 2, "slice_points": 3}
    measure_flatness.run(
        settings(measure_flatness, "losses", "training", "masking", flatness=study),
        **tables,
        weights=trained / f"{phase}.safetensors",
        history=trained / f"{phase}_history.parquet",
        run="ivyspt",
        seed=3,
        state=state,
        **out,
    )
    found = {name: pl.read_parquet(path) for name, path in out.items()}
    assert set(found["summary"]["loss"]) == LOSSES | {"objective"}
    assert found["summary"]["tier"].unique().to_list() == [tier]
    counted = found["magnitudes"].group_by("loss").agg(pl.col("entries").sum())
    assert counted["entries"].unique().to_list() == found["summary"]["parameters"].unique().to_list()
    density = found["eigenvalues"].group_by("loss", "probe").agg(pl.col("weight").sum())
    assert density["weight"].to_list() == pytest.approx([1.0] * 8)
    middle = found["slices"].filter((pl.col("distance") == 0) & pl.col("loss").is_in(["objective", "parabola"]))
    value = found["summary"].filter(pl.col("loss") == "objective")["value"][0]
    assert middle["value"].to_list() == pytest.approx([value] * middle.height)


def test_the_tangent_kernel_is_measured_at_the_start(tables, trained, tmp_path):
    out = {name: tmp_path / f"{name}.parquet" for name in ("summary", "eigenvalues", "descent")}
    study = {"runs": ["ivyspt"], "share": 0.5, "max_outputs": 9}
    made = settings(measure_tangent_kernel, "training", "masking", tangent_kernel=study)
    weights = trained / "pretrain.safetensors"
    measure_tangent_kernel.run(made, **tables, weights=weights, run="ivyspt", seed=0, **out)
    row = pl.read_parquet(out["summary"]).row(0, named=True)
    assert (row["run"], row["seed"], row["training_surfaces"]) == ("ivyspt", 0, 6)
    assert pl.read_parquet(out["eigenvalues"]).height == row["outputs"] <= 9


def test_histories_are_named_by_where_they_lie(trained, tmp_path):
    out = {name: tmp_path / f"{name}.parquet" for name in ("epochs", "steps")}
    paths = [trained / f"{phase}_history.parquet" for phase in ("pretrain", "finetune")]
    trace_training.run(trace_training.Settings(), histories=paths, **out)
    keys = pl.read_parquet(out["steps"]).select("run", "seed", "phase").unique().sort("phase").rows()
    assert keys == [("ivyspt", 3, "finetune"), ("ivyspt", 3, "pretrain")]
    with pytest.raises(DataError, match="RUN/SEED/PHASE_history"):
        trace_training.run(trace_training.Settings(), histories=[tmp_path / "epochs.parquet"], **out)
