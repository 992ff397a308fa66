"""The stage from quotes to surfaces: its files, its errors, and that neither threads nor blocks show in them."""

import json
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from ivyspt.artefacts import read_table, write_table
from ivyspt.columns import POINTS, REJECTIONS, DataError
from ivyspt.config import Forwards, Surfaces
from ivyspt.quotes.blocks import blocks
from ivyspt.stages import build_surfaces
from tests.quotes.made_up import surface_quotes
from tests.quotes.written import write

SETTINGS = build_surfaces.Settings(surfaces=Surfaces(exercise="de_americanise"))
TABLES = ("all_points", "slices", "rejections")


@pytest.fixture(scope="module")
def quotes(tmp_path_factory):
    symbols = [surface_quotes(symbol=name, spot=spot) for name, spot in (("AAA", 100.0), ("BBB", 250.0), ("CCC", 40.0))]
    path = tmp_path_factory.mktemp("quotes") / "quotes.parquet"
    write_table(pl.concat(symbols), path)
    return path


def run(quotes, folder, settings=SETTINGS):
    paths = {name: folder / f"{name}.parquet" for name in TABLES}
    build_surfaces.run(settings, quotes=quotes, **paths)
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


@pytest.mark.parametrize("threads", ["1", "5"])
def test_a_re_run_is_byte_identical_whatever_the_threads(quotes, tmp_path, threads):
    found = []
    for count in ("3", threads):
        paths = {name: tmp_path / f"{name}_{count}.parquet" for name in TABLES}
        options = [text for name in TABLES for text in (f"--{name.replace('_', '-')}", str(paths[name]))]
        command = [sys.executable, "-m", "ivyspt", "build_surfaces", "--settings", SETTINGS.model_dump_json()]
        environment = os.environ | {"POLARS_MAX_THREADS": count, "OMP_NUM_THREADS": count}
        subprocess.run([*command, "--quotes", str(quotes), *options], check=True, env=environment)
        found.append({name: path.read_bytes() for name, path in paths.items()})
    assert found[0] == found[1]


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


def test_zero_curve_and_distributions_give_the_forward_where_parity_does_not(tmp_path):
    """Calls alone, quoted on 10 June 2026 at a spot of 100; the rate is 2 % and AAA goes ex 1.50 on 1 July."""
    calls = surface_quotes().filter(pl.col("option_type") == "call")
    write_table(calls, tmp_path / "calls.parquet")
    curve = ("2026-06-09,30,2.0", "2026-06-09,720,2.0", "2026-06-10,30,9.0")
    distributions = ("7,2026-07-01,1.5,2026-06-01,5", "7,2026-07-02,4.0,2026-06-10,5", "8,2026-07-01,9.0,2026-06-01,5")
    files = {
        "zero_curve": write(tmp_path, *curve, name="zerocd.csv", header="date,days,rate"),
        "distributions": write(
            tmp_path, *distributions, name="distrd.csv", header="secid,ex_date,amount,declare_date,distr_type"
        ),
        "security_names": write(tmp_path, "7,2020-01-01,AAA", name="secnmd.csv", header="secid,effect_date,ticker"),
    }
    forwards = Forwards(**{key: str(path) for key, path in files.items()})
    settings = build_surfaces.Settings(surfaces=Surfaces(forwards=forwards))
    slices = pl.read_parquet(run(tmp_path / "calls.parquet", tmp_path, settings)["slices"]).sort("time_to_maturity")
    tau = np.array([9, 37, 100, 219]) / 365
    present = 1.5 * np.exp(-0.02 * 21 / 365) * np.array([0, 1, 1, 1])
    assert slices["route"].to_list() == ["spot"] * 4
    assert slices["discount_factor"].to_numpy() == pytest.approx(np.exp(-0.02 * tau), rel=1e-12)
    assert slices["forward"].to_numpy() == pytest.approx((100 - present) * np.exp(0.02 * tau), rel=1e-12)


def test_keys_that_are_not_set_do_not_show_in_the_settings():
    named = {"zero_curve", "distributions", "security_names"}
    assert not named & set(SETTINGS.model_dump(mode="json")["surfaces"]["forwards"])
    assert not named & set(json.loads(SETTINGS.model_dump_json())["surfaces"]["forwards"])
    assert build_surfaces.Settings.model_validate_json(SETTINGS.model_dump_json()) == SETTINGS
