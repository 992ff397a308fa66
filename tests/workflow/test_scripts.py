"""Figures and tables are functions of result tables: the same bytes each time, without torch, and honest about data."""

import json
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import polars as pl
import pytest
import yaml

from workflow.scripts import names
from workflow.scripts.figures import palette
from workflow.scripts.tables import typesetting
from workflow.study import complete

ROOT = Path(__file__).parents[2]
METRICS = ("rmse", "mse", "violating", "violating_derivatives", "violating_prices", "butterfly_share", "calendar_share")
METRICS += ("negative_mass", "calendar_loss", "butterfly_loss", "failed_share")
MASKS = {"pretrain": ("liquid", "clustered_0.5"), "finetune": ("sparse", "visible")}


@pytest.fixture(scope="module")
def study() -> dict:
    return complete(yaml.safe_load((ROOT / "config/smoke.yaml").read_text()))


@pytest.fixture
def results(study, tmp_path) -> Path:
    """Made-up comparisons of every family and phase."""
    for phase, (tier, mask) in MASKS.items():
        for family, others in (("baselines", list(study["baselines"])), ("ablation", list(study["runs"])[1:])):
            methods = [f"ivyspt.{phase}", *(other if family == "baselines" else f"{other}.{phase}" for other in others)]
            rows = [
                row(method, place, tier, mask, metric) for place, method in enumerate(methods) for metric in METRICS
            ]
            pl.DataFrame(rows, infer_schema_length=None).write_parquet(tmp_path / f"{family}_{phase}.parquet")
    return tmp_path


def row(method: str, place: int, tier: str, mask: str, metric: str) -> dict:
    reference = place == 0
    return {
        **{"run": method, "tier": tier, "mask": mask, "metric": metric, "mean": 0.125 * (place + 1), "std": 0.25},
        **{"pooled": 0.5, "seeds": 3, "median": 0.375, "surfaces": 40, "days": 9, "blocks": None if reference else 2},
        **{name: None if reference else 0.0625 for name in ("difference", "low", "high", "win_rate")},
        **{name: None if reference else 0.0004 for name in ("p_value", "p_holm")},
        **{"pairs": None if reference else 2, "seeds_low": None if reference else -0.5},
        **{"seeds_high": None if reference else 0.5},
    }


def run_script(module: str, study: dict, inputs: dict[str, list[Path]], outputs: dict[str, Path]) -> None:
    words = ["--settings", json.dumps(study)]
    for name, paths in (inputs | {name: [path] for name, path in outputs.items()}).items():
        words += [f"--{name}", *map(str, paths)]
    run = f"runpy.run_module({module!r}, run_name='__main__')"
    command = (
        f"import sys, runpy; sys.modules['torch'] = None; sys.argv[1:] = {words!r}; {run}"  # torch fails to import
    )
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("figure", "family"),
    [("ablation", "ablation"), ("baselines", "baselines"), ("error_by_mask", "baselines"), ("arbitrage", "baselines")],
)
def test_a_figure_is_the_same_byte_by_byte(study, results, figure, family):
    tables = {"style": [ROOT / "workflow/scripts/paper.mplstyle"], "comparison": sorted(results.glob(f"{family}_*"))}
    drawn = []
    for turn in ("first", "second"):
        files = {kind: results / turn / f"{figure}.{kind}" for kind in ("pdf", "png")}
        run_script(f"workflow.scripts.figures.plot_{figure}", study, tables, files)
        drawn.append([path.read_bytes() for path in files.values()])
    assert drawn[0] == drawn[1]
    assert drawn[0][0].startswith(b"%PDF")


@pytest.mark.parametrize("table", ["ablation", "arbitrage", "baselines", "significance"])
def test_a_table_says_what_data_and_how_many_seeds(study, results, table):
    family = "ablation" if table == "ablation" else "baselines"
    inputs = {"comparison": sorted(results.glob(f"{family}_*"))}
    run_script(f"workflow.scripts.tables.tabulate_{table}", study, inputs, {"tex": results / "table.tex"})
    text = (results / "table.tex").read_text()
    assert "simulated" in text
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1
    if table != "significance":
        assert r"$0.12 \pm 0.25$" in text
        assert ("& 3 (2 paired) \\\\" if table == "ablation" else "& 3 \\\\") in text
    else:
        assert "$< 0.001$" in text


def test_simulated_data_are_always_called_so():
    settings = {"data": {"label": "a market", "simulated": True}}
    assert names.data_label(settings) == "simulated data: a market"
    settings["data"]["simulated"] = False
    assert names.data_label(settings) == "a market"


def test_no_two_baselines_look_alike():
    looks = list(palette.BASELINES.values())
    assert all(one[0] != other[0] and one[1] != other[1] for one, other in combinations(looks, 2))
    assert palette.colour("ivyspt.pretrain") == palette.colour("ivyspt.finetune")
    assert palette.face("ivyspt.pretrain") != palette.face("ivyspt.finetune")


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_baseline_has_a_look(path):
    rows = yaml.safe_load(path.read_text()).get("baselines", {})
    assert rows.keys() <= palette.BASELINES.keys()


def test_masks_are_ordered_from_much_shown_to_little():
    masks = ["visible", "random_5", "random_100", "clustered_0.7", "clustered_0.1"]
    ordered = ["clustered_0.1", "clustered_0.7", "random_100", "random_5", "visible"]
    assert sorted(masks, key=names.mask_order) == ordered


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "--"), (0.0, "$0$"), (0.1234, "$0.123$"), (12.34, "$12.3$"), (-7.1e-6, r"$-7.1 \times 10^{-6}$")],
)
def test_numbers_have_three_digits(value, text):
    assert typesetting.number(value) == text


def test_latex_prints_labels_as_they_stand():
    assert typesetting.escape("50 % of R&D_1") == r"50 \% of R\&D\_1"


BENCHMARK = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def cost_table(study: dict, folder: Path, memory: str) -> str:
    """The table of two seeds of a training and one of a spline."""
    benchmarks, costs = [], []
    for name, seconds in (("pretrain/ivyspt_0", 10), ("pretrain/ivyspt_1", 14), ("fit_baseline/cubic_spline_0", 30)):
        benchmarks.append(folder / f"{name}.tsv")
        benchmarks[-1].parent.mkdir(exist_ok=True)
        benchmarks[-1].write_text(f"{BENCHMARK}{seconds}\t0:00:{seconds}\t{memory}\t1\t1\t1\t1\t1\t90\t{seconds - 1}\n")
    for seed, seconds in enumerate((4.0, 6.0)):
        costs.append(folder / f"{seed}.json")
        cost = {"method": "cubic_spline", "seconds_predict": seconds, "milliseconds_p50": 0.4, "milliseconds_p95": 0.9}
        costs[-1].write_text(json.dumps(cost))
    inputs = {"benchmarks": benchmarks, "costs": costs}
    run_script("workflow.scripts.tables.tabulate_cost", study, inputs, {"tex": folder / "cost.tex"})
    return (folder / "cost.tex").read_text()


def test_costs_are_means_over_seeds_of_whole_processes(study, tmp_path):
    text = cost_table(study, tmp_path, "512.00")
    assert r"IvySPT & $12 \pm 3$ & $11 \pm 3$ & $512 \pm 0$ & -- & -- & -- & 2 \\" in text
    assert r"cubic spline & $30$ & $29$ & $512$ & $5 \pm 1$ & $0.40$ & $0.90$ & 1 \\" in text
    assert text.count("Fitting: ") == text.count("Tuning, ") == 1
    assert "simulated" in text


def test_a_process_too_short_to_measure_has_a_dash(study, tmp_path):
    assert r"cubic spline & $30$ & $29$ & -- &" in cost_table(study, tmp_path, "NA")
