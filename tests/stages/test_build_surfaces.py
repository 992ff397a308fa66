"""The stage from quotes to surfaces: its files, its errors, and that neither threads nor blocks show in them."""

import json
import os
import subprocess
import sys

import polars as pl
import pytest

from ivyspt.artefacts import read_table, write_table
from ivyspt.columns import POINTS, REJECTIONS, DataError
from ivyspt.config import Surfaces
from ivyspt.quotes.blocks import blocks
from ivyspt.stages import build_surfaces
from tests.quotes.made_up import surface_quotes

SETTINGS = build_surfaces.Settings(surfaces=Surfaces(exercise="de_americanise"))
TABLES = ("all_points", "slices", "rejections")


@pytest.fixture(scope="module")
def quotes(tmp_path_factory):
    symbols = [surface_quotes(symbol=name, spot=spot) for name, spot in (("AAA", 100.0), ("BBB", 250.0), ("CCC", 40.0))]
    path = tmp_path_factory.mktemp("quotes") / "quotes.parquet"
    write_table(pl.concat(symbols), path)
    return path


def run(quotes, folder):
    paths = {name: folder / f"{name}.parquet" for name in TABLES}
    build_surfaces.run(SETTINGS, quotes=quotes, **paths)
    return paths


def test_tables_hold_what_their_readers_rely_on(quotes, tmp_path):
    paths = run(quotes, tmp_path)
    points, rejections = read_table(paths["all_points"], POINTS), read_table(paths["rejections"], REJECTIONS)
    slices = pl.read_parquet(paths["slices"])
    assert points["surface_id"].n_unique() == 3
    assert slices.height == 12
    assert rejections["quotes"].sum() + slices["quotes_used"].sum() == pl.read_parquet(quotes).height
    assert (
        json.loads(pl.read_parquet_metadata(paths["all_points"])["ivyspt"])["settings"]["surfaces"]["min_points"] == 12
    )


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_a_re_run_is_byte_identical_whatever_the_threads(quotes, tmp_path, threads):
    expected = {name: path.read_bytes() for name, path in run(quotes, tmp_path).items()}
    again = {name: tmp_path / f"again_{name}.parquet" for name in TABLES}
    options = [text for name in TABLES for text in (f"--{name.replace('_', '-')}", str(again[name]))]
    command = [sys.executable, "-m", "ivyspt", "build_surfaces", "--settings", SETTINGS.model_dump_json()]
    environment = os.environ | {"POLARS_MAX_THREADS": threads, "OMP_NUM_THREADS": threads}
    subprocess.run([*command, "--quotes", str(quotes), *options], check=True, env=environment)
    for name in TABLES:
        assert again[name].read_bytes() == expected[name], name


def test_blocks_hold_whole_surfaces_and_lose_nothing(quotes):
    table = pl.read_parquet(quotes)
    for size in (1, 400, 10**6):
        pieces = list(blocks(table.lazy(), "quotes", size))
        assert pl.concat(pieces).equals(table)
        assert sum(piece["symbol"].n_unique() for piece in pieces) == 3


def test_scattered_surfaces_are_refused(quotes):
    table = pl.read_parquet(quotes)
    with pytest.raises(DataError, match="must stand together"):
        list(blocks(table.sample(fraction=1.0, shuffle=True, seed=0).lazy(), "quotes"))


def test_missing_file_and_missing_column_are_named(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        run(tmp_path / "absent.parquet", tmp_path)
    write_table(pl.DataFrame({"symbol": ["A"]}), tmp_path / "odd.parquet")
    with pytest.raises(DataError, match="must have the columns"):
        run(tmp_path / "odd.parquet", tmp_path)
    assert not (tmp_path / "all_points.parquet").exists()
