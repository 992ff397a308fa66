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
    """Made-up comparisons of every family and phase, and costs of every method."""
    for phase, (tier, mask) in MASKS.items():
        for family, others in (("baselines", list(study["baselines"])), ("ablation", list(study["runs"])[1:])):
            methods = [f"ivyspt.{phase}", *(other if family == "baselines" else f"{other}.{phase}" for other in others)]
            rows = [
                row(method, place, tier, mask, metric) for place, method in enumerate(methods) for metric in METRICS
            ]
            pl.DataFrame(rows, infer_schema_length=None).write_parquet(tmp_path / f"{family}_{phase}.parquet")
            for method in methods:
                cost = {"method": method, "milliseconds_p50": 1.5, "peak_memory_mebibytes": 300.0}
                (tmp_path / f"{method}.json").write_text(json.dumps(cost))
    return tmp_path


def row(method: str, place: int, tier: str, mask: str, metric: str) -> dict:
    reference = place == 0
    return {
        **{"run": method, "tier": tier, "mask": mask, "metric": metric, "mean": 0.125 * (place + 1), "std": 0.25},
        **{"pooled": 0.5, "seeds": 3, "median": 0.375, "surfaces": 40, "days": 9, "blocks": None if reference else 2},
        **{name: None if reference else 0.0625 for name in ("difference", "low", "high", "win_rate")},
        **{name: None if reference else 0.0004 for name in ("p_value", "p_holm")},
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
    if table == "baselines":
        inputs["costs"] = sorted(results.glob("*.json"))
    run_script(f"workflow.scripts.tables.tabulate_{table}", study, inputs, {"tex": results / "table.tex"})
    text = (results / "table.tex").read_text()
    assert "simulated" in text
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1
    if table != "significance":
        assert r"$0.12 \pm 0.25$" in text
        assert "& 3 \\\\" in text
    else:
        assert "$< 0.001$" in text


def test_simulated_data_are_always_called_so():
    settings = {"data": {"label": "a market", "simulated": True}}
    assert names.data_label(settings) == "simulated data: a market"
    settings["data"]["simulated"] = False
    assert names.data_label(settings) == "a market"


def test_no_two_baselines_look_alike():
    looks = list(palette.BASELINES.values())
    assert all(one != other for one, other in combinations(looks, 2))
    assert palette.colour("ivyspt.pretrain") == palette.colour("ivyspt.finetune")
    assert palette.face("ivyspt.pretrain") != palette.face("ivyspt.finetune")


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
