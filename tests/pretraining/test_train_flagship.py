"""The stage that trains the flagship: which surfaces it may see, and what it goes on from."""

from datetime import date, timedelta

import polars as pl
import pytest
import torch

from ivyspt.artefacts import write_table
from ivyspt.columns import DataError
from ivyspt.flagship_config import Flagship, FlagshipTraining
from ivyspt.mixture.network import FlagshipNetwork
from ivyspt.mixture.weights import go_on_from, load_flagship, save_flagship
from ivyspt.pretraining import scores, trainer
from ivyspt.stages import calibrate_bands, make_corpus, train_flagship
from tests.evaluation.conftest import make_study

SMALL = {"dimension": 16, "blocks": 1, "heads": 2, "components": 1, "knots": 4}
CORPUS = {"families": {"essvi": 1.0}}
TRAINING = {"steps": 2, "batch_size": 4, "targets": 8, "context_sizes": [(3, 6)], "warmup_steps": 1, "report_every": 1}
NAMES = ("points", "market_features", "split")


def write_study(folder, shift=0, **study) -> list:
    """Tables of a study whose days begin so much later."""
    points, features, split, _ = make_study(**study)
    moved = pl.duration(days=shift)
    old, new = points["surface_id"], points["surface_id"] + f" {shift}"
    points = points.with_columns(pl.col("quote_time") + moved, pl.col("expiry") + moved, surface_id=new)
    features = features.with_columns(surface_id=pl.col("surface_id").replace(dict(zip(old, new, strict=True))))
    split = split.with_columns(pl.col("date") + moved)
    paths = [folder / f"{name}_{shift}.parquet" for name in NAMES]
    for table, path in zip((points, features, split), paths, strict=True):
        write_table(table, path)
    return paths


@pytest.fixture
def visited(monkeypatch) -> list:
    """The real sources that trainings were given."""
    given = []

    def noted(network, sources, *rest):
        given.append(sources.real)
        return trainer.train(network, sources, *rest)

    monkeypatch.setattr(train_flagship, "train", noted)
    return given


def run(folder, paths, beside=(), **training):
    pools = folder / "pools.safetensors"
    make_corpus.run(make_corpus.Settings.model_validate({"corpus": CORPUS}), pools=pools)
    settings = {"flagship": SMALL, "flagship_training": TRAINING | training, "corpus": CORPUS}
    train_flagship.run(
        train_flagship.Settings.model_validate(settings),
        **dict(zip(NAMES, paths, strict=True)),
        pools=pools,
        seed=0,
        checkpoint=folder / "checkpoint.safetensors",
        weights=folder / "weights.safetensors",
        history=folder / "history.parquet",
        companions=list(beside),
    )
    return load_flagship(folder / "weights.safetensors")[0]


def test_a_companion_lends_its_training_days_before_the_study_is_judged(tmp_path, visited):
    own = write_study(tmp_path, days=6)  # from 2 January 2024: train to the 5th, judged from the 6th
    companion = write_study(tmp_path, shift=2, days=6)  # train from the 4th to the 7th
    listed = [{"results": "results/other", "share": 0.4, "market": False}]
    run(tmp_path, own, companion, companions=listed, held_out_every=9)
    (mine, other) = visited[0]
    days = {date.fromisoformat(name.split()[1]) + timedelta(days=2) for name in other.surfaces.ids}
    assert days == {date(2024, 1, 4), date(2024, 1, 5)}
    assert len(mine.surfaces) == 8
    assert (mine.share, other.share) == (pytest.approx(0.6), 0.4)
    assert not mine.surfaces.market[:, :2].isnan().any()
    assert other.surfaces.market.isnan().all()  # its market features are proxies


def test_held_out_symbols_stay_out_of_companions_too(tmp_path, visited):
    own, companion = (write_study(tmp_path, shift=shift, days=6) for shift in (0, -1))
    run(tmp_path, own, companion, companions=[{"results": "results/r", "share": 0.5, "market": True}], held_out_every=2)
    assert {name[:3] for source in visited[0] for name in source.surfaces.ids} == {"AAA"}


def test_batches_visit_each_source_by_its_share(tmp_path, visited):
    own, companion = (write_study(tmp_path, shift=shift, days=6) for shift in (0, -1))
    run(
        tmp_path,
        own,
        companion,
        companions=[{"results": "results/r", "share": 0.25, "market": False}],
        held_out_every=9,
    )
    generator = torch.Generator().manual_seed(0)
    counts = {id(source): 0 for source in visited[0]}
    for _ in range(200):
        for source, visits in trainer._visits(visited[0], 10, generator):
            counts[id(source)] += visits
    assert counts[id(visited[0][1])] / 2000 == pytest.approx(0.25, abs=0.04)


def test_training_goes_on_from_weights(tmp_path):
    own = write_study(tmp_path, days=6)
    torch.manual_seed(5)
    start = FlagshipNetwork(Flagship(**SMALL))
    save_flagship(start, tmp_path / "start.safetensors", {})
    still = {"learning_rate": 1e-12, "final_learning_rate": 0.0, "held_out_every": 9}
    found = run(tmp_path, own, start=str(tmp_path / "start.safetensors"), **still)
    for name, value in start.state_dict().items():
        torch.testing.assert_close(found.state_dict()[name], value, atol=1e-9, rtol=0)


def test_what_is_said_of_the_prior_can_start_anew(tmp_path):
    torch.manual_seed(5)
    start, network = FlagshipNetwork(Flagship(**SMALL)), FlagshipNetwork(Flagship(**SMALL, bounds_by_maturity=True))
    save_flagship(start, tmp_path / "start.safetensors", {})
    fresh = {name: value.clone() for name, value in network.state_dict().items()}
    go_on_from(network, tmp_path / "start.safetensors", fresh_prior=True)
    kept = {name for name, value in network.state_dict().items() if value.equal(fresh[name])}
    assert {"of_knots.weight", "of_surface.weight"} <= kept
    read = {name for name in kept if not name.startswith(("of_knots.", "of_surface.")) and name != "start"}
    assert not {name for name in read if not start.state_dict()[name].equal(fresh[name])}
    go_on_from(network, tmp_path / "start.safetensors")
    assert all(value.equal(start.state_dict()[name]) for name, value in network.state_dict().items())


def test_weights_of_another_size_are_refused(tmp_path):
    own = write_study(tmp_path, days=6)
    torch.manual_seed(5)
    wider = FlagshipNetwork(Flagship(**SMALL | {"dimension": 32}))
    save_flagship(wider, tmp_path / "start.safetensors", {})
    with pytest.raises(DataError, match="must have the settings asked for, dimension=16"):
        run(tmp_path, own, start=str(tmp_path / "start.safetensors"), held_out_every=9)


def test_companions_leave_a_share_to_the_study_itself():
    listed = [{"results": f"results/{name}", "share": 0.5, "market": False} for name in "ab"]
    with pytest.raises(ValueError, match="must leave a share to the study itself, got 1"):
        train_flagship.Settings.model_validate(
            {"flagship": SMALL, "flagship_training": TRAINING | {"companions": listed}, "corpus": CORPUS}
        )


def test_intervals_are_calibrated_on_each_tier_s_validation_days_alike(tmp_path, monkeypatch):
    own = write_study(tmp_path, days=6)  # one validation day, the 6th
    run(tmp_path, own, held_out_every=9)
    visits = []

    def noted(network, surfaces, *rest):
        visits.append(surfaces.ids)
        return scores.band_scores(network, surfaces, *rest)

    monkeypatch.setattr(calibrate_bands, "band_scores", noted)
    settings = {"flagship_training": TRAINING | {"calibration_batches": 2}, "corpus": CORPUS}
    calibrate_bands.run(
        calibrate_bands.Settings.model_validate(settings),
        weights=tmp_path / "weights.safetensors",
        **dict(zip(NAMES, own, strict=True)),
        seed=0,
        packed=tmp_path / "packed.safetensors",
    )
    assert visits == [["AAA 2024-01-06 0"], ["BBB 2024-01-06 0"]]
    _, header = load_flagship(tmp_path / "packed.safetensors")
    bands = header["bands"]["unknown"]
    assert all(0 < low <= high for low, high in zip(bands["50"], bands["90"], strict=True))


def calibrate_beside(tmp_path, own, companion):
    beside = [{"results": "results/other", "share": 0.2, "market": True, "kind": "smoothed"}]
    settings = {"flagship_training": TRAINING | {"calibration_batches": 2, "kind": "marks", "companions": beside}}
    calibrate_bands.run(
        calibrate_bands.Settings.model_validate(settings | {"corpus": CORPUS}),
        weights=tmp_path / "weights.safetensors",
        **dict(zip(NAMES, own, strict=True)),
        seed=0,
        packed=tmp_path / "packed.safetensors",
        companions=companion,
    )


def test_each_kind_of_quotes_has_intervals_of_its_own(tmp_path, monkeypatch):
    own, companion = (write_study(tmp_path, shift=shift, days=6) for shift in (0, -1))
    run(tmp_path, own, held_out_every=9)
    visits = []

    def noted(network, surfaces, *rest):
        visits.append((surfaces.kind, surfaces.ids[0]))
        return scores.band_scores(network, surfaces, *rest)

    monkeypatch.setattr(calibrate_bands, "band_scores", noted)
    calibrate_beside(tmp_path, own, companion)
    marks = [f"{name} 2024-01-06 0" for name in ("AAA", "BBB")]
    smoothed = [f"{name} 2024-01-06 -1" for name in ("AAA", "BBB")]  # named by the day before they were moved
    unknown = [(0, name) for name in marks + smoothed]
    assert visits == [*unknown, *((1, name) for name in marks), *((3, name) for name in smoothed)]
    header = load_flagship(tmp_path / "packed.safetensors")[1]
    assert set(header["bands"]) == {"unknown", "marks", "smoothed"}
    assert all(0 < error < 1 for error in header["calibration"]["median_error"].values())


def test_nothing_is_calibrated_on_the_days_that_are_tested(tmp_path):
    own, late = (write_study(tmp_path, shift=shift, days=6) for shift in (0, 1))
    run(tmp_path, own, held_out_every=9)
    with pytest.raises(DataError, match=r"results/other: .* validation days before 2024-01-07, got none"):
        calibrate_beside(tmp_path, own, late)


def test_companions_need_real_surfaces_to_share_in():
    listed = [{"results": "results/other", "share": 0.5, "market": False}]
    with pytest.raises(ValueError, match="real_share must be positive where there are companions, got 0"):
        FlagshipTraining(**TRAINING, real_share=0.0, companions=listed)


def test_a_companion_without_days_before_the_study_is_judged_is_named(tmp_path):
    own, late = (write_study(tmp_path, shift=shift, days=6) for shift in (0, 30))
    with pytest.raises(DataError, match=r"results/late: .* training days before 2024-01-06, got none"):
        run(tmp_path, own, late, companions=[{"results": "results/late", "share": 0.5, "market": False}])
