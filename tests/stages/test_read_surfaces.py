"""Surfaces that a vendor or the paper's authors have built enter by the stage that reads them."""

import json

import polars as pl

from ivyspt.__main__ import main
from ivyspt.artefacts import read_table
from ivyspt.columns import POINTS, REJECTIONS
from tests.quotes.written import REAL, needs_data


def read(folder, adapter: str, data_dir: str | None = None) -> int:
    data = {"adapter": adapter, "label": "made by a test", "simulated": False, "data_dir": data_dir}
    settings = json.dumps({"data": data, "surfaces": {"min_points": 4}})
    outputs = ["--all-points", str(folder / "points.parquet"), "--rejections", str(folder / "rejections.parquet")]
    return main(["read_surfaces", "--settings", settings, *outputs])


@needs_data
def test_the_papers_points_enter_with_their_twins_in_one_mask_group(tmp_path):
    assert read(tmp_path, "paper_sparse", f"{REAL}/paper-sparse-2013") == 0
    points = read_table(tmp_path / "points.parquet", POINTS)
    assert sorted(points["symbol"].unique()) == ["AIN", "AZPN", "PNNT", "RWO", "SCOR"]
    pairs = points.group_by("surface_id", "log_moneyness", "time_to_maturity").agg(pl.col("mask_group").n_unique())
    assert pairs["mask_group"].max() == 1
    assert read_table(tmp_path / "rejections.parquet", REJECTIONS)["quotes"].sum() > 0
