"""Facts about the real feeds as the adapters read them."""

import json
import os
import subprocess
import sys
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from ivyspt.batches.masking import cluster, cluster_count, mask
from ivyspt.columns import QUOTES, check
from ivyspt.config import Surfaces
from ivyspt.quotes import lean, mapped, megacaps, paper_sparse, spx_short_dated, spy_thin, us_panel
from tests.quotes.written import dropped_as, needs_data, real_data

pytestmark = [needs_data, pytest.mark.data]
SPLITS = ["CRWD", "KLAC", "SOXS"]


def parity_gap(quotes: pl.DataFrame) -> pl.DataFrame:
    """(call - put + strike) / underlying - 1 of the pairs within 5 % of the money and 60 days of expiry."""
    near = (pl.col("strike") / pl.col("underlying_price") - 1).abs() < 0.05
    soon = (pl.col("expiry") - pl.col("quote_time")).dt.total_days() < 60
    price = pl.coalesce((pl.col("bid") + pl.col("ask")) / 2, pl.col("mark"))
    key = ["symbol", "quote_time", "root", "expiry", "strike", "underlying_price"]
    pairs = quotes.filter(near & soon).with_columns(price=price).pivot("option_type", index=key, values="price")
    return pairs.with_columns(gap=(pl.col("call") - pl.col("put") + pl.col("strike")) / pl.col("underlying_price") - 1)


def test_us_panel_of_some_symbols():
    data = real_data("us_panel", "us-panel-2026", symbols=["SPY", "SNN", *SPLITS])
    quotes, rejections = us_panel.read(data)
    raw = pl.scan_parquet(f"{data.data_dir}/chains_*.parquet").filter(pl.col("symbol").is_in(data.symbols))
    rows = raw.select(pl.len()).collect().item()
    assert quotes.height + rejections["quotes"].sum() == 2 * rows
    assert quotes.equals(check(quotes, QUOTES, "panel"))
    assert (quotes["quote_time"].dt.date().min(), quotes["quote_time"].dt.date().max()) == (
        date(2026, 5, 26),
        date(2026, 7, 21),
    )
    spy = quotes.filter(pl.col("symbol") == "SPY")
    assert spy["quote_time"].n_unique() == 39
    assert 0.05 < spy["vendor_implied_vol"].median() < 0.6  # decimals
    assert abs(parity_gap(spy)["gap"].median()) < 0.01
    # the feed keeps the old contracts beside the adjusted ones, or instead of them, on the days of splits
    gone = rejections.filter(pl.col("reason") == "underlying_of_another_contract").select("symbol", "date").rows()
    assert sorted(gone) == [
        ("CRWD", date(2026, 7, 2)),
        ("CRWD", date(2026, 7, 6)),
        ("KLAC", date(2026, 6, 12)),
        ("SOXS", date(2026, 7, 15)),
    ]
    copies = rejections.filter(pl.col("reason") == "copy_of_previous_day")
    assert set(copies["symbol"]) == {"SNN"}
    assert copies.height == 4


def test_us_panel_by_a_column_map_is_the_same():
    data = real_data("us_panel", "us-panel-2026", symbols=["SNN", "ZTS"])
    options = us_panel.column_map(data).model_dump(mode="json")
    same = data.model_copy(update={"adapter": "column_map", "options": options})
    for one, other in zip(us_panel.read(data), mapped.read(same), strict=True):
        assert one.equals(other)


def test_the_panel_s_surfaces_are_the_same_bytes_whatever_the_threads(tmp_path):
    """From the vendor's file to points: quotes of three symbols, the largest one read by days."""
    data = real_data("us_panel", "us-panel-2026", symbols=["SPY", "SNN", "CRWD"], last_date="2026-07-02")
    mapping = us_panel.column_map(data).model_dump(mode="json") | {"chunk_rows": 200_000}
    reading = {"data": data.model_copy(update={"adapter": "column_map", "options": mapping}).model_dump(mode="json")}
    building = {"surfaces": {"price": "vendor_implied_vol", "filters": {"max_twin_gap": 0.15}}}
    found = []
    for threads in ("1", "4"):
        folder = tmp_path / threads
        folder.mkdir()
        environment = os.environ | {"POLARS_MAX_THREADS": threads, "OMP_NUM_THREADS": threads}
        for stage, settings, outputs, inputs in (
            ("read_quotes", reading, ("quotes", "dropped-rows"), ()),
            ("build_surfaces", building, ("all-points", "slices", "rejections"), ("quotes",)),
        ):
            paths = [text for name in (*inputs, *outputs) for text in (f"--{name}", str(folder / name))]
            command = [sys.executable, "-m", "ivyspt", stage, "--settings", json.dumps(settings), *paths]
            subprocess.run(command, check=True, env=environment)
        found.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert len(found[0]) == 5
    assert found[0] == found[1]


def test_megacaps():
    quotes, rejections = megacaps.read(real_data("megacaps", "megacaps-bidask-2026"))
    assert quotes.height + rejections["quotes"].sum() == 443_861
    assert quotes["symbol"].n_unique() == 20
    assert quotes["quote_time"].n_unique() == 29
    days = (quotes["expiry"] - quotes["quote_time"]).dt.total_days()
    assert (days.min(), days.max()) == (7, 88)
    assert (quotes["bid"] == 0).mean() == pytest.approx(0.13, abs=0.01)
    assert (quotes["bid"] <= quotes["ask"]).all()
    assert 0.2 < quotes["vendor_implied_vol"].median() < 0.8
    assert abs(parity_gap(quotes)["gap"].median()) < 0.01


def test_spx():
    quotes, rejections = spx_short_dated.read(real_data("spx_short_dated", "spx-shortdated-2026"))
    assert quotes.height + rejections["quotes"].sum() == 388_384
    assert set(dropped_as(rejections)) == {"expired", "price_missing", "settlement_unknown"}
    assert quotes["quote_time"].n_unique() == 104
    assert ((quotes["expiry"] - quotes["quote_time"]).dt.total_days() <= 18).all()
    assert quotes.group_by("quote_time").agg(pl.col("expiry").n_unique())["expiry"].max() <= 8
    monthly = {date(2026, 3, 20), date(2026, 4, 17), date(2026, 5, 15), date(2026, 6, 18), date(2026, 7, 17)}
    assert not monthly & set(quotes["expiry"].dt.date())
    # what is left is one series: its pairs agree on the forward
    calls, puts = (
        quotes.filter(pl.col("option_type") == side).with_columns(mid=(pl.col("bid") + pl.col("ask")) / 2)
        for side in ("call", "put")
    )
    key = ["quote_time", "expiry", "strike"]
    pairs = calls.join(puts, on=key, suffix="_put").filter((pl.col("bid") > 1) & (pl.col("bid_put") > 1)).sort(key)
    pairs = pairs.with_columns(forward=pl.col("mid") - pl.col("mid_put") + pl.col("strike"))
    spread = pairs.group_by(key[:2]).agg(pl.col("forward").quantile(0.9) - pl.col("forward").quantile(0.1))
    assert spread["forward"].median() < 5  # index points of 7,000


def test_spy_thin():
    quotes, rejections = spy_thin.read(real_data("spy_thin", "spy-thin-2021"))
    assert quotes.height + rejections["quotes"].sum() == 252 * 20
    assert (quotes.group_by("quote_time").len()["len"] == 20).all()
    assert set(quotes["root"]) == {"SPY"}
    early = quotes.filter(pl.col("quote_time").dt.date() == date(2021, 11, 26))
    assert set(early["quote_time"]) == {datetime(2021, 11, 26, 13)}
    assert 0.1 < quotes["vendor_implied_vol"].median() < 0.3
    assert abs(parity_gap(quotes)["gap"].median()) < 0.01


def test_lean():
    quotes, rejections = lean.read(real_data("lean", "lean-2013-2015"))
    assert set(quotes["symbol"]) == {"AAPL", "FOXA", "GOOG", "NWSA", "TWX"}
    assert set(dropped_as(rejections)) <= {"expired", "one_sided"}
    chain = quotes.filter((pl.col("symbol") == "AAPL") & (pl.col("quote_time") == datetime(2014, 6, 6, 16)))
    # 645.57 was the close of 6 June 2014, the last day before a 7-for-1 split
    near = chain.with_columns(mid=(pl.col("bid") + pl.col("ask")) / 2).pivot(
        "option_type", index=["expiry", "strike"], values="mid"
    )
    forward = (near["call"] - near["put"] + near["strike"]).filter((near["strike"] - 645).abs() < 20)
    assert forward.median() == pytest.approx(645.57, rel=0.01)
    assert (quotes["expiry"].dt.weekday() <= 5).all()


def test_the_papers_sparse_tier():
    data = real_data("paper_sparse", "paper-sparse-2013")
    points, rejections = paper_sparse.read(data, Surfaces(min_points=4))
    assert points.height + rejections["quotes"].sum() == 26_362
    assert points["surface_id"].n_unique() == 555
    assert points["quote_time"].n_unique() == 124
    pairs = points.group_by("surface_id", "mask_group").agg(pl.len(), pl.col("implied_vol").sort())
    assert pairs["len"].max() == 2
    gap = pairs.filter(pl.col("len") == 2)["implied_vol"].list
    assert (gap.last() - gap.first()).median() == pytest.approx(0.109, abs=0.002)
    assert points["twin"].sum() == pairs.filter(pl.col("len") == 2).height
    assert (points["implied_vol"] > 3).mean() == pytest.approx(0.022, abs=0.001)
    # published maturities are calendar days over 252: read so, every expiry is a third Friday
    expiry = points["expiry"].dt
    assert set(expiry.weekday()) == {5}
    assert expiry.day().is_between(15, 21).all()
    actual = (points["expiry"] - points["quote_time"]).dt.total_seconds() / (365 * 86_400)
    assert np.median(points["time_to_maturity"] / actual) == pytest.approx(365 / 252, rel=0.03)
    features = paper_sparse.read_market_features(data)
    assert features.height == 124
    assert features["market_vol"].is_between(0.1, 0.25).all()
    assert features["treasury_rate"].max() < 0.002


def test_in_the_papers_data_a_masked_points_twin_stays_in_view():
    """Masked each by itself most points keep their twin; masked as pairs none does."""
    points, _ = paper_sparse.read(real_data("paper_sparse", "paper-sparse-2013"), Surfaces(min_points=12))
    some = points.filter(pl.col("surface_id").is_in(points["surface_id"].unique().sort()[::8].implode()))
    for proportion, share in {0.1: 0.98, 0.3: 0.74, 0.5: 0.56, 0.7: 0.32}.items():
        seen = {"alone": [], "in pairs": []}
        for surface in some.partition_by("surface_id"):
            k, tau, pair = (surface[name].to_numpy() for name in ("log_moneyness", "time_to_maturity", "mask_group"))
            labels = cluster(k, tau, cluster_count(proportion), seed=0)
            for name, groups in (("alone", np.arange(len(k))), ("in pairs", pair)):
                masked = mask(labels, groups, proportion, 1, 3, np.random.default_rng(0))
                seen[name].append(np.isin(pair[masked], pair[~masked]))
        assert np.concatenate(seen["alone"]).mean() == pytest.approx(share, abs=0.005)
        assert not np.concatenate(seen["in pairs"]).any()
