"""From the surfaces that qmoms ships to evaluation masks, through files as the workflow passes them."""

import json

import polars as pl
import pytest

from ivyspt.__main__ import main
from ivyspt.artefacts import read_table
from ivyspt.columns import MARKET_FEATURES, MASKS, POINTS, REJECTIONS, SPLIT, TIERED_POINTS, TIERS
from ivyspt.config import Masking

DATA = {"adapter": "qmoms", "label": "qmoms", "simulated": False, "max_days": 24}
DATA["options"] = {"names": {"14593": "AAPL", "93436": "TSLA", "12490": "IBM"}}
DATA["symbols"] = ["AAPL", "TSLA", "IBM"]
MARKET = {"source": "qmoms", "market_return": "market", "market_vol": "proxy", "treasury_rate": "rate"}
SETTINGS = {
    "data": DATA,
    "surfaces": {"min_points": 12},
    "tiers": {"rule": "named", "liquid": ["AAPL", "TSLA"], "sparse": ["IBM"]},
    "thinning": {"max_points": 12, "seed": 1},
    "market_features": MARKET,
    "split": {"partitions": 1},
    "masking": Masking(proportions=[0.3, 0.7], random_counts=[5]).model_dump(mode="json"),
}
STAGES = [  # stage, sections, files
    ("read_surfaces", ["data", "surfaces"], ["all_points", "rejections"]),
    ("assign_tiers", ["tiers"], ["all_points", "tiers"]),
    ("thin_surfaces", ["thinning"], ["all_points", "tiers", "points"]),
    ("join_market_features", ["data", "market_features"], ["points", "market_features"]),
    ("split_days", ["split"], ["points", "split"]),
    ("cluster_points", ["masking"], ["points", "clusters"]),
    ("draw_masks", ["masking"], ["points", "split", "clusters", "masks"]),
]


def run(folder, stage, settings, names):
    options = [part for name in names for part in (f"--{name.replace('_', '-')}", str(folder / f"{name}.parquet"))]
    return main([stage, "--settings", json.dumps(settings), *options])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    for stage, sections, names in STAGES:
        assert run(folder, stage, {section: SETTINGS[section] for section in sections}, names) == 0
    return folder


@pytest.fixture(scope="module")
def tables(folder):
    names = {"all_points": POINTS, "rejections": REJECTIONS, "tiers": TIERS, "points": TIERED_POINTS}
    names |= {"market_features": MARKET_FEATURES, "split": SPLIT, "masks": MASKS}
    return {name: read_table(folder / f"{name}.parquet", table) for name, table in names.items()}


def test_masks_are_drawn_for_validation_and_test_days_alone(tables):
    judged = tables["split"].filter(pl.col("split").is_in(["validation", "test"]))["date"]
    surfaces = tables["points"].filter(pl.col("quote_time").dt.date().is_in(judged.implode()))["surface_id"].unique()
    assert set(tables["masks"]["surface_id"]) == set(surfaces)
    assert 0 < len(surfaces) < tables["points"]["surface_id"].n_unique()


def test_no_hidden_point_is_context(tables):
    roles = tables["masks"].join(tables["points"], on=["surface_id", "point"])
    assert roles.height == tables["masks"].height
    assert roles.filter((pl.col("role") == "context") & ~pl.col("visible")).is_empty()
    hidden = roles.filter(~pl.col("visible"))
    assert set(hidden["symbol"]) == {"IBM"}
    assert hidden.group_by("mask").len()["mask"].sort().to_list() == [
        "clustered_0.3",
        "clustered_0.7",
        "random_5",
        "visible",
    ]


def test_every_surface_has_features_and_only_the_first_day_lacks_the_proxy(tables):
    points = tables["points"].select("surface_id", "quote_time").unique()
    joined = points.join(tables["market_features"], on="surface_id", how="left")
    assert joined.height == tables["market_features"].height == 72
    without = joined.filter(pl.col("market_vol").is_null())
    assert without["quote_time"].unique().to_list() == [points["quote_time"].min()]
    assert joined["market_return"].null_count() == joined["treasury_rate"].null_count() == 0


def test_stages_give_the_same_bytes_again(folder, tmp_path):
    for stage, sections, names in STAGES:
        assert run(tmp_path, stage, {section: SETTINGS[section] for section in sections}, names) == 0
    for file in folder.glob("*.parquet"):
        assert file.read_bytes() == (tmp_path / file.name).read_bytes(), file.name


@pytest.mark.parametrize(
    ("stage", "change", "message"),
    [
        (
            "read_surfaces",
            {"data": {**DATA, "adapter": "orats"}},
            "must be one of qmoms, paper_sparse here, got orats",
        ),
        ("read_surfaces", {"data": {**DATA, "first_date": "2031-01-01"}}, "at least one surface must be left"),
        ("split_days", {"split": {"partitions": 9}}, "must keep at least"),
        ("split_days", {"split": {"partitons": 9}}, "setting split.partitons: Extra inputs are not permitted"),
        ("assign_tiers", {"tiers": {"rule": "ranked", "liquid": 9, "sparse": 1}}, "at most 3 symbols, got 9 + 1"),
        ("draw_masks", {"masking": {"proportions": [0.4]}}, "clusters must have the column cluster_0.4"),
    ],
)
def test_bad_input_ends_in_one_sentence(folder, tmp_path, capsys, *, stage, change, message):
    sections, names = next((sections, names) for name, sections, names in STAGES if name == stage)
    for name in names[:-1]:
        source = folder / f"{name}.parquet"
        (tmp_path / source.name).write_bytes(source.read_bytes())
    assert run(tmp_path, stage, {section: SETTINGS[section] for section in sections} | change, names) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_a_missing_file_is_named(tmp_path, capsys):
    assert run(tmp_path, "assign_tiers", {"tiers": SETTINGS["tiers"]}, ["all_points", "tiers"]) == 1
    assert "all_points.parquet: must exist, got no such file" in capsys.readouterr().err
