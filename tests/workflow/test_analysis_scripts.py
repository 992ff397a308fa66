"""Figures, tables and the page of the analyses: drawn from what the library makes, without torch, honest about days."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
import yaml

from ivyspt.analyses.attention import attention_maps, attention_summary
from ivyspt.analyses.decomposition import decompose_losses
from ivyspt.analyses.sensitivity import derivative_table, gate_table, permutation_table
from ivyspt.analyses.stress import compare_conditions, label_days
from ivyspt.analysis_config import Place, Sensitivity, Stress
from ivyspt.config import Evaluation
from ivyspt.evaluation.predictions import predict_surfaces
from ivyspt.evaluation.tasks import masked_surfaces
from tests.analyses.conftest import make_tasks
from tests.analyses.test_decomposition import bent
from tests.conftest import make_model
from tests.evaluation.conftest import EVALUATION, Analytic, make_study
from tests.workflow.test_scripts import run_script
from workflow.scripts.analyses import bucket_label
from workflow.scripts.reports.write_sensitivity import verdict
from workflow.study import complete

ROOT = Path(__file__).parents[2]
TIERS = {"pretrain": "liquid", "finetune": "sparse"}
DATES = [date(2024, 1, 1) + timedelta(days=day) for day in range(12)]


@pytest.fixture(scope="module")
def study() -> dict:
    study = complete(yaml.safe_load((ROOT / "config/smoke.yaml").read_text()))
    return study | study["analyses"] | {"tier": "liquid", "surface": "AAA 0"}


@pytest.fixture(scope="module")
def tables(study, tmp_path_factory) -> dict[str, list[Path]]:
    """Tables of every analysis, of a model whose path from the market is shut and of one whose path is open."""
    folder = tmp_path_factory.mktemp("analyses")
    written: dict[str, list[Path]] = {}

    def write(name: str, table: pl.DataFrame, kind: str = "") -> None:
        path = folder / f"{name}.parquet"
        table.write_parquet(path)
        written.setdefault(kind or name, []).append(path)

    market = [0.2, 0.2, 0.3, 0.2, 0.2, 0.4, 0.2, 0.2, 0.2, 0.2, 0.5, 0.2]
    surfaces = pl.DataFrame({"date": DATES, "market_vol": market, "market_return": [0.001 * n for n in range(12)]})
    split = pl.DataFrame({"partition": [0] * 12, "date": DATES, "split": ["validation"] * 3 + ["test"] * 9})
    write("days", label_days(surfaces, split, Stress()))
    for phase, tier in TIERS.items():
        evaluation = Evaluation(reference=f"ivyspt.{phase}", bootstrap_draws=50, bootstrap_block_days=2)
        days = pl.read_parquet(folder / "days.parquet")
        compared = compare_conditions(stress_values(f"ivyspt.{phase}", tier, study), days, evaluation)
        write(f"stress_{phase}", compared, "comparison")
        tasks = make_tasks(days=4)
        for run, bias in (("ivyspt", 12.0), ("no_kernel", 0.0)):
            label = [pl.lit(f"{run}.{phase}").alias("run"), pl.lit(0, pl.UInt32).alias("seed")]
            model = make_model(gate_bias=bias, perturbation=0.2)  # enough for an open path to move the answers
            measured = {
                "derivatives": derivative_table(model, tasks),
                "permutations": permutation_table(model, tasks, Sensitivity()),
                "gates": gate_table(model, tasks),
            }
            for name, table in measured.items():
                own = table.with_columns(pl.lit(tier).alias("tier")).select(*label, pl.all())
                write(f"{name}_{run}_{phase}", own, name)
        model = make_model()
        maps = attention_maps(model, tasks[:2], [Place(z=0.0, days=30), Place(z=1.0, days=60)])
        kept = maps if phase == "pretrain" else maps.clear()
        label = [pl.lit(f"ivyspt.{phase}").alias("run"), pl.lit(0, pl.UInt32).alias("seed")]
        write(f"maps_{phase}", kept.select(*label, pl.all()), "maps")
        write(f"summary_{phase}", attention_summary(model, tasks).select(*label, pl.all()), "summaries")
    write("losses", losses(study))
    return written


def stress_values(reference: str, tier: str, study: dict) -> pl.DataFrame:
    rows = [
        {"run": run, "seed": seed, "tier": tier, "mask": "clustered_0.5", "surface_id": f"A {day}", "date": day}
        | {"metric": metric, "points": 5, "value": 0.1 * place + 0.01 * number}
        for place, run in enumerate([reference, *study["baselines"]], 1)
        for seed in (0, 1)
        for number, day in enumerate(DATES[3:])
        for metric in ("rmse", "butterfly_loss")
    ]
    return pl.DataFrame(rows).with_columns(pl.col("seed", "points").cast(pl.UInt32))


def losses(study: dict) -> pl.DataFrame:
    points, features, split, masks = make_study()
    tasks = masked_surfaces(points, features, split, masks.with_columns(mask=pl.lit("clustered_0.5")), "test")
    tables = [
        decompose_losses(
            predict_surfaces(Analytic(bent, name != "random_forest"), tasks, EVALUATION, name, 0, 0), split, EVALUATION
        )
        for name in ("ivyspt.pretrain", "ivyspt.finetune", *study["baselines"])
    ]
    return pl.concat(tables)


FIGURES = {
    "stress": ("comparison", "days"),
    "sensitivity": ("derivatives", "gates", "days"),
    "sensitivity_null": ("derivatives", "permutations", "days"),
    "decomposition": ("losses",),
    "decomposition_buckets": ("losses",),
    "attention": ("maps",),
}
TABLES = {
    "stress": ("comparison", "days"),
    "sensitivity": ("derivatives", "permutations", "gates", "days"),
    "decomposition": ("losses",),
    "attention": ("summaries",),
}


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_is_the_same_byte_by_byte(study, tables, tmp_path, figure):
    inputs = {"style": [ROOT / "workflow/scripts/paper.mplstyle"]} | {name: tables[name] for name in FIGURES[figure]}
    drawn = []
    for turn in ("first", "second"):
        files = {kind: tmp_path / turn / f"{figure}.{kind}" for kind in ("pdf", "png")}
        run_script(f"workflow.scripts.figures.plot_{figure}", study, inputs, files)
        drawn.append([path.read_bytes() for path in files.values()])
    assert drawn[0] == drawn[1]
    assert drawn[0][0].startswith(b"%PDF")


@pytest.mark.parametrize("table", TABLES)
def test_a_table_says_what_data(study, tables, tmp_path, table):
    inputs = {name: tables[name] for name in TABLES[table]}
    run_script(f"workflow.scripts.tables.tabulate_{table}", study, inputs, {"tex": tmp_path / "table.tex"})
    text = (tmp_path / "table.tex").read_text()
    assert "simulated" in text
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1
    rows = [line for line in text.splitlines() if line.endswith(r"\\") and "multicolumn" not in line]
    assert len({line.count(" & ") for line in rows}) == 1
    if table == "stress":
        days = pl.read_parquet(tables["days"][0]).filter(pl.col("split") == "test")
        assert f"calm: neither, {(~days['stress']).sum()}." in text
        assert study["market_features"]["market_vol"] in text


def test_the_page_says_that_a_closed_path_is_closed(study, tables, tmp_path):
    inputs = {name: tables[name] for name in ("derivatives", "permutations", "gates", "days")}
    run_script("workflow.scripts.reports.write_sensitivity", study, inputs, {"markdown": tmp_path / "page.md"})
    sections = (tmp_path / "page.md").read_text().split("\n## ")[1:]
    assert [section.split(",")[0] for section in sections] == ["IvySPT"] * 2 + ["no continuous kernel"] * 2
    for section in sections:
        closed = section.startswith("IvySPT")
        assert ("path from the market is closed, and next to nothing" in section) == closed
        assert ("The derivatives are no exposures" in section) == closed
        assert ("path from the market is open, and answers use it" in section) != closed
        assert ("The answers lean on the features" in section) != closed


def test_an_open_path_through_which_nothing_comes_is_called_so():
    assert (
        verdict(closed=False, used=False) == "The path from the market is open, and next to nothing comes through it."
    )


@pytest.mark.parametrize(("text", "label"), [("(-inf, -1]", "≤ -1"), ("(0.1, 0.2]", "0.1 to 0.2"), ("(2, inf]", "> 2")])
def test_buckets_are_told_in_words(text, label):
    assert bucket_label(text) == label
