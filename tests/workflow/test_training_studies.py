"""Figures and tables of the training studies: the same bytes each time, and sentences that follow from the numbers."""

from itertools import product
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.workflow.test_scripts import run_script
from workflow.scripts.losses import LOSSES
from workflow.scripts.tables.tabulate_flatness import implications
from workflow.scripts.tables.tabulate_tangent_kernel import reading
from workflow.study import complete

ROOT = Path(__file__).parents[2]
FOUR = (*LOSSES, "objective")
STATE = {"run": "ivyspt", "seed": 0, "tier": "liquid", "surfaces": 2}
INPUTS = {
    "search": ("losses", "ranking"),
    "tangent_kernel": ("summary", "eigenvalues", "descent"),
    "gradnorm": ("steps", "epochs"),
    "flatness": ("magnitudes", "eigenvalues", "slices"),
}
TABLES = {
    "search": ("ranking",),
    "tangent_kernel": ("summary",),
    "gradnorm": ("steps", "epochs"),
    "flatness": ("summary",),
    "convergence": ("epochs",),
}


def summary(state: str, **objective) -> list[dict]:
    row = {"parameters": 100, "value": 0.5, "gradient_mean": 1e-3, "gradient_std": 2e-3, "largest": 4.0}
    row |= {
        "largest_within": 1e-9,
        "smallest": -1.0,
        "smallest_within": 0.1,
        "trace": 3.0,
        "small_to_large": 1e-4,
        "stable_rank": 2.5,
    }
    return [STATE | row | {"state": state, "loss": loss} | (objective if loss == "objective" else {}) for loss in FOUR]


def made_up() -> dict[str, list[dict]]:
    """Rows of every table, by study and name."""
    hyper = {"blocks": 1, "dimension": 8, "learning_rate": 1e-3, "batch_size": 8, "dropout": 0.0, "seed": 0}
    hyper |= {"parameters": 1000, "training_surfaces": 12, "validation_surfaces": 9}
    trials = {"grid_1x8_0.001_8_0": hyper, "random_0": hyper | {"dimension": 16, "blocks": 2}}
    row = {
        "run": "ivyspt",
        "seed": 0,
        "surfaces": 2,
        "training_surfaces": 20,
        "outputs": 3,
        "parameters": 1000,
        "rank": 2,
    }
    row |= {
        "memory_mebibytes": 64.0,
        "largest_squared_vol": 4.0,
        "smallest_squared_vol": -1e-18,
        "condition_number": 8.0,
    }
    row |= {"steps": 4, "initial_loss_squared_vol": 2.0, "final_loss_squared_vol": 1.0, "loss_left": 0.4}
    return {
        "search/losses": [
            {"trial": name, **values, "epoch": epoch, "split": split, "loss": loss, "value": 0.1 * epoch}
            for (name, values), (epoch, split), loss in product(
                trials.items(), ((1, "validation"), (2, "validation"), (2, "judged")), LOSSES
            )
        ],
        "search/ranking": [
            {"trial": name, **values, **{f"value_{loss}": 0.1 for loss in LOSSES}, "mean_rank": 1.5}
            for name, values in trials.items()
        ],
        "tangent_kernel/summary": [row],
        "tangent_kernel/eigenvalues": [
            {"run": "ivyspt", "seed": 0, "number": number, "eigenvalue_squared_vol": value, "share": 0.3}
            for number, value in ((1, 4.0), (2, 0.5), (3, -1e-18))
        ],
        "tangent_kernel/descent": [
            {"run": "ivyspt", "seed": 0, "step": step, "loss_left": 1 / step} for step in (1, 2, 4)
        ],
        "epochs": [
            {"run": run, "seed": 0, "phase": phase, "epoch": epoch, "split": split, "loss": loss}
            | {"value": 0.0 if loss == "calendar" else 0.5 / epoch, "weight": 1.0}
            for run, phase, epoch, split, loss in product(
                ("ivyspt", "gradnorm"), ("pretrain", "finetune"), (1, 2), ("train", "validation"), LOSSES
            )
        ],
        "steps": [
            {"run": run, "seed": 0, "phase": phase, "step": step, "loss": loss, "value": 0.5, "weight": 1.0 / step}
            | {name: 0.25 * step if run == "gradnorm" else None for name in ("gradient_norm", "target_norm")}
            for run, phase, step, loss in product(("ivyspt", "gradnorm"), ("pretrain", "finetune"), (1, 2, 3), LOSSES)
        ],
        "flatness/summary": [*summary("initial"), *summary("pretrain")],
        "flatness/magnitudes": [
            STATE | {"state": state, "loss": loss, "log10_from": low, "log10_to": high, "entries": 5}
            for state, loss, (low, high) in product(
                ("initial", "pretrain"), FOUR, ((None, None), (-4.0, -3.0), (-3.0, -2.0))
            )
        ],
        "flatness/eigenvalues": [
            STATE | {"state": state, "loss": loss, "probe": 0, "eigenvalue": value, "weight": 0.25, "within": 0.0}
            for state, loss, value in product(("initial", "pretrain"), FOUR, (-1.0, 0.0, 1e-5, 4.0))
        ],
        "flatness/slices": [
            STATE
            | {"state": state, "direction": direction, "curvature": 4.0, "distance": distance, "loss": loss}
            | {"value": 0.5 + distance**2}
            for state, direction, distance, loss in product(
                ("initial", "pretrain"), ("largest", "random"), (-0.5, 0.0, 0.5), ("objective", "parabola")
            )
        ],
    }


@pytest.fixture(scope="module")
def study() -> dict:
    completed = complete(yaml.safe_load((ROOT / "config/smoke.yaml").read_text()))
    return completed | completed["analyses"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made_up")
    for name, rows in made_up().items():
        path = folder / f"{name}.parquet"
        path.parent.mkdir(exist_ok=True)
        pl.DataFrame(rows, infer_schema_length=None).write_parquet(path)
    return folder


def inputs(folder: Path, study: str, names) -> dict[str, list[Path]]:
    found = (folder / study / f"{name}.parquet" for name in names)
    return {path.stem: [path if path.exists() else folder / path.name] for path in found}


@pytest.mark.parametrize("figure", INPUTS)
def test_a_figure_is_the_same_byte_by_byte(study, folder, figure, tmp_path):
    tables = {"style": [ROOT / "workflow/scripts/paper.mplstyle"], **inputs(folder, figure, INPUTS[figure])}
    drawn = []
    for turn in ("first", "second"):
        files = {kind: tmp_path / turn / f"{figure}.{kind}" for kind in ("pdf", "png")}
        run_script(f"workflow.scripts.figures.plot_{figure}", study, tables, files)
        drawn.append([path.read_bytes() for path in files.values()])
    assert drawn[0] == drawn[1]
    assert drawn[0][0].startswith(b"%PDF")


@pytest.mark.parametrize("table", TABLES)
def test_a_table_says_what_data_it_is_from(study, folder, table, tmp_path):
    module = f"workflow.scripts.tables.tabulate_{table}"
    run_script(module, study, inputs(folder, table, TABLES[table]), {"tex": tmp_path / "table.tex"})
    text = (tmp_path / "table.tex").read_text()
    assert "simulated" in text
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1
    assert "nan" not in text.lower().split(r"\begin{tabular}")[1]


def test_a_saddle_is_not_called_a_minimum():
    saddle = implications(pl.DataFrame(summary("initial") + summary("pretrain", smallest=-1.0)))
    assert "no minimum" in saddle
    assert "times that at initialisation" in saddle
    minimum = implications(pl.DataFrame(summary("pretrain", smallest=-1e-6)))
    assert "no minimum" not in minimum
    assert "initialisation" not in minimum


def test_a_kernels_reading_follows_its_numbers():
    row = {"rank": 2, "outputs": 3, "condition_number": 8e4, "loss_left": 0.4}
    assert "2 of 3 eigenvalues exceed rounding, so that errors" in reading("IvySPT", row, 0.4)
    assert "$10^{4}$ times more slowly" in reading("IvySPT", row, 0.4)
    assert "the kernel changed on the way" in reading("IvySPT", row, 0.1)
    assert "slower than gradient descent" in reading("IvySPT", row, 0.9)
    assert "as fast as" in reading("IvySPT", row, 0.45)
    assert "so that errors" not in reading("IvySPT", row | {"rank": 3}, 0.4)
