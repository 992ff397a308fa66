"""The study on OptionMetrics IvyDB, run on a miniature in the vendor's layout: from its files to tables."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from ivyspt.quotes import simulated
from tests.quotes.ivydb import SECURITIES, write_ivydb
from tests.workflow.conftest import ROOT, Project

STUDY = ("--configfile", "config/optionmetrics.yaml", str(Path(__file__).with_name("optionmetrics.yaml")))
RESULTS = Path("results/optionmetrics")
TABLES = [f"{RESULTS}/tables/{name}.tex" for name in ("baselines", "significance", "data")]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A copy of the project in which the miniature's tables are made, and the simulation behind its quotes."""
    folder = tmp_path_factory.mktemp("optionmetrics")
    data = write_ivydb(folder / "ivydb")
    for name in ("workflow", "ivyspt", "config", "envs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    project = Project(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IVYDB_DIR", str(folder / "ivydb"))
        done = project.snakemake(*TABLES, *STUDY)
        assert done.returncode == 0, done.stdout
        yield project, data


def table(study, name: str) -> pl.DataFrame:
    return pl.read_parquet(study[0].folder / RESULTS / name)


def test_every_target_of_the_study_has_a_rule(study):
    jobs = study[0].jobs(*STUDY)
    assert {job.wildcards["run"] for job in jobs if job.rule == "pretrain"} >= {"as_published", "no_kernel"}


def test_quotes_are_the_vendors_and_special_contracts_are_counted(study):
    quotes, dropped = table(study, "quotes/quotes.parquet"), table(study, "quotes/dropped_rows.parquet")
    assert set(quotes["symbol"]) == {ticker for _, ticker in SECURITIES.values()}
    assert dict(dropped.select("reason", "quotes").rows()) == {"adjusted_contract": 1, "special_settlement": 1}
    told = quotes.group_by("symbol").agg(pl.col("exercise").unique().first())
    assert dict(told.rows())["SPX"] == "european"
    assert dict(told.rows())["AAPL"] == "american"


def test_forwards_are_those_of_the_market_behind_the_quotes(study):
    slices, simulation = table(study, "surfaces/slices.parquet"), study[1]
    spot = (
        simulated.read(simulation)[0]
        .group_by("symbol", pl.col("quote_time").dt.date().alias("date"))
        .agg(pl.col("underlying_price").first())
    )
    named = spot.with_columns(pl.col("symbol").replace({name: pair[1] for name, pair in SECURITIES.items()}))
    joined = slices.with_columns(date=pl.col("quote_time").dt.date()).join(named, on=["symbol", "date"])
    assert joined.height == slices.height
    # carry is at most the short rate, about 4 % a year, or a dividend yield of 3 %, over a quarter
    assert (joined["forward"] / joined["underlying_price"] - 1).abs().max() < 0.03


def test_the_market_is_that_of_the_day_before(study):
    features, series = table(study, "surfaces/market_features.parquet"), simulated.market_series(study[1])
    points = table(study, "surfaces/points.parquet").select("surface_id", "quote_time").unique()
    joined = features.join(points, on="surface_id").with_columns(date=pl.col("quote_time").dt.date())
    days = series["market_vol"]["date"]
    before = pl.DataFrame({"date": days[1:], "earlier": days[:-1]})
    for column, name in (("market_vol", "market_vol"), ("treasury_rate", "treasury_rate")):
        known = before.join(series[name].rename({"date": "earlier", "value": "expected"}), on="earlier")
        both = joined.join(known, on="date")
        assert both.height > joined.height / 2
        assert both[column].to_list() == pytest.approx(both["expected"].to_list(), abs=1e-9)


def test_tiers_are_chosen_by_rule_and_every_method_answers(study):
    tiers = dict(table(study, "surfaces/tiers.parquet").select("symbol", "tier").rows())
    assert {symbol for symbol, tier in tiers.items() if tier == "sparse"} == {"AIN", "SCOR"}
    for method in ("ivyspt.pretrain", "ivyspt.finetune", "cubic_spline"):
        answers = table(study, f"predictions/{method}/0.parquet").filter(pl.col("set") == "target")
        assert answers["implied_vol_fitted"].null_count() == 0


def test_the_tables_call_the_miniature_simulated(study):
    for name in TABLES:
        text = (study[0].folder / name).read_text()
        assert "simulated miniature of IvyDB" in text
        assert r"\bottomrule" in text
