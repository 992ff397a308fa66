"""The card of packaged weights says what a study's tables say."""

import json
import re
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from safetensors.numpy import save_file

ROOT = Path(__file__).parents[1]


def write(folder: Path, run: str, kind: str, table: pl.DataFrame) -> None:
    path = folder / "evaluation" / kind / run / "0.parquet"
    path.parent.mkdir(parents=True)
    table.with_columns(run=pl.lit(run)).write_parquet(path)


def made_study(folder: Path) -> Path:
    """Ten surfaces a day on four days; the good peer errs twice as much as the weights on nine surfaces of ten."""
    rows = []
    for day in range(4):
        for number in range(10):
            time = datetime(2026, 1, 5, 16) + timedelta(days=day)
            own = 1.0 + 0.1 * number
            rows.append({"surface_id": f"S{number} {day}", "symbol": f"S{number}", "quote_time": time, "own": own})
    frame = pl.DataFrame(rows).with_columns(tier=pl.lit("liquid"), mask=pl.lit("random_9"), region=pl.lit("all"))
    frame = frame.with_columns(points=20, covered_90=0.9, covered_50=0.45)
    last = pl.col("symbol") == "S9"
    runs = {
        "packaged": pl.col("own"),
        "packaged_no_market": 1.1 * pl.col("own"),
        "essvi": pl.when(last).then(0.5).otherwise(2 * pl.col("own")),
        "svi": 9 * pl.col("own"),
    }
    for run, rmse in runs.items():
        write(folder, run, "errors", frame.with_columns(rmse=rmse, mae=rmse.sqrt()).drop("own"))
        audit = {"violating_derivatives": [False, True, False], "violating_prices": [None, False, False]}
        write(folder, run, "audit", pl.DataFrame(audit))
    return folder


def card(tmp_path: Path, row: str) -> subprocess.CompletedProcess:
    study = tmp_path / "study"
    if not study.exists():
        made_study(study)
    weights, text = tmp_path / "w.safetensors", tmp_path / "text.md"
    save_file({"a": np.zeros(1)}, weights, {"ivyspt": json.dumps({"held_out_symbols": ["XYZ"], "seed": 7})})
    text.write_text("# Words\n")
    paths = [
        "--weights",
        weights,
        "--text",
        text,
        "--card",
        tmp_path / "card.md",
        "--study",
        "A panel",
        study,
        row,
        "1",
    ]
    command = [sys.executable, ROOT / "tools/model_card.py", *paths]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_ratios_wins_coverage_and_audit_are_those_of_the_tables(tmp_path):
    assert card(tmp_path, "packaged").returncode == 0
    made = (tmp_path / "card.md").read_text()
    assert made.startswith("# Words\n\n## Errors on test days")
    assert "### A panel\n\n4 days, 10 names; blocks of 1. Peers: essvi, svi." in made
    cells = re.search(r"^\| liquid \| random_9 \|.*$", made, re.MULTILINE)[0].split(" | ")
    assert cells[2:5] == ["40", "1.45", "2.70 (essvi)"]  # medians of 1, 1.1 … 1.9 and of 2, 2.2 … 3.6 and 0.5
    assert cells[5] == "0.54 [0.54, 0.54]"  # every day is like every other
    assert [cell.strip(" |") for cell in cells[6:]] == ["90%", "90%", "45%"]
    assert "Liquid: geometric mean ratio 0.537 over 1 cells of few quotes at random (0.733 by MAE); above" in made
    assert "above one in 0 of 1 cells." in made
    assert (
        "Row `packaged_no_market`: 1.100 times these errors, geometric mean over 1 cells (1.100 over 1 of few" in made
    )
    assert "few quotes at random); its 90 % intervals" in made
    assert "intervals hold 90% to 90% of a cell's targets." in made
    assert "found arbitrage: 1 of 3 by derivatives, 0 of 2 by the referee on prices." in made
    assert "Symbols held out of training: XYZ. Seed 7." in made


def test_a_row_that_was_not_run_is_named(tmp_path):
    done = card(tmp_path, "packaged_mixed")
    assert done.returncode == 1
    assert "must hold errors of the row packaged_mixed, got essvi, packaged, packaged_no_market, svi" in done.stderr
    assert not (tmp_path / "card.md").exists()
