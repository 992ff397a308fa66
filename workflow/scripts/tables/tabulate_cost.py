"""Time and memory of every process that fits or predicts, method by method; measured, so it differs from run to run."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev

import polars as pl

from workflow.scripts.names import method_label, seeds_of
from workflow.scripts.tables.typesetting import escape, number, options, plus_minus, source, table, write

HEADER = (
    "process",
    "wall (s)",
    "CPU (s)",
    "memory (MiB)",
    "of it predicting (s)",
    "a surface (ms): median",
    r"95\,\%",
    "seeds",
)
STAGES = {
    "pretrain": "Fitting: pre-training on the liquid tier",
    "finetune": "Fitting: going on from it on the sparse tier",
    "predict": "Predicting every mask of the test days",
    "fit_baseline": "Tuning, fitting and predicting in one process",
}
MEASURES = ("s", "cpu_time", "max_rss")
UNMEASURED = ["NA", "-"]  # a process that ended before Snakemake could look at it

Processes = dict[tuple[str, str], list[dict[str, float | None]]]


def processes(paths: Sequence[Path]) -> Processes:
    """(stage, method) -> what Snakemake measured, seed by seed; files are named `STAGE/METHOD_SEED.tsv`."""
    measured: Processes = {}
    for path in paths:
        row = pl.read_csv(path, separator="\t", null_values=UNMEASURED).row(0, named=True)
        method = path.stem.rsplit("_", 1)[0]
        measured.setdefault((path.parent.name, method), []).append({name: row[name] for name in MEASURES})
    return measured


def spread(values: Sequence[float | None], decimals: int = 0) -> str:
    """Mean and standard deviation of what was measured."""
    known = [value for value in values if value is not None]
    if not known:
        return plus_minus(None, None)
    return plus_minus(mean(known), stdev(known) if len(known) > 1 else None, decimals)


def label(stage: str, method: str, settings: dict) -> str:
    """A run's label in training, which its stage's title already explains; else the method's."""
    return settings["runs"][method]["label"] if stage in ("pretrain", "finetune") else method_label(method, settings)


def main() -> None:
    """Typeset."""
    chosen = options(__doc__, "benchmarks", "costs")
    measured = processes(chosen.benchmarks)
    costs: dict[str, list[dict]] = {}
    for path in chosen.costs:
        cost = json.loads(path.read_text())
        costs.setdefault(cost["method"], []).append(cost)
    blocks: dict[str, list[tuple[str, ...]]] = {}
    for (stage, method), rows in measured.items():
        answered = costs.get(method, []) if stage in ("predict", "fit_baseline") else []
        within = [cost["seconds_predict"] for cost in answered]
        median, slow = ([cost[f"milliseconds_{name}"] for cost in answered] for name in ("p50", "p95"))
        cells = (
            escape(label(stage, method, chosen.settings)),
            *(spread([row[name] for row in rows]) for name in MEASURES),
            spread(within),
            *(number(mean(values) if values else None, 2) for values in (median, slow)),
            str(len(rows)),
        )
        blocks.setdefault(STAGES[stage], []).append(cells)
    seeds = seeds_of([len(rows) for rows in measured.values()])
    caption = (
        r"Cost of each method: whole processes, start and reading included, mean $\pm$ standard deviation over seeds "
        f"({seeds}). Memory is resident; it and CPU are looked at every half second and, after a quarter of a minute, "
        "every half minute: the CPU of a long process is up to that short, its wall time is exact. Of it predicting: "
        "all masks of the test days, with the audit grids of those that are audited. A surface: one at a time, "
        "preparation and, for methods that are fitted anew to each surface, fitting included. Measured on the machine "
        "that ran the study, with whatever ran beside: these numbers differ from run to run. "
    )
    write(table(caption + source(chosen.settings), "cost", HEADER, blocks), chosen.tex)


if __name__ == "__main__":
    main()
