"""The headline numbers of a finished study against the committed ones: `make verify`, `make expected`.

`results/expected/STUDY.csv` holds each number and how far another machine may be from it. On the machine that wrote it
results are the same byte by byte. Elsewhere sums are rounded in another order, which training, chaotic as it is,
magnifies, and so does a forest, which splits elsewhere among equals: hence a relative tolerance of the error that is
wider for these, and an absolute one for shares of surfaces, which move in steps of one surface. Numbers of points, days
and surfaces have none.
"""

import sys
from argparse import ArgumentParser
from pathlib import Path

import polars as pl
import yaml

from ivyspt.artefacts import write_text
from ivyspt.columns import DataError
from workflow.scripts.comparison import headline, read
from workflow.scripts.failing import fail_in_a_sentence
from workflow.study import PHASES, complete

EXPECTED = Path("results/expected")
KEY = ["method", "tier", "mask", "metric"]
COLUMNS = {**dict.fromkeys(KEY, pl.String), "value": pl.Float64, "tolerance": pl.Float64}
ERRORS = ["rmse"]  # vol points
SHARES = ["violating_derivatives", "violating_prices", "failed_share"]
RELATIVE = {"magnified": 0.15, "fitted": 0.02}  # of an error
ABSOLUTE = {"magnified": 0.25, "fitted": 0.1}  # of a share of surfaces
MAGNIFYING = {"dense_net", "packaged_fine_tuned", "random_forest"}  # baselines that do so as well


def headlines(results: Path) -> pl.DataFrame:
    """Numbers of a finished study: what went in, and error and arbitrage of each method under each tier's main mask.

    Raises
    ------
    DataError
        The study is not finished.
    """
    tables = [
        results / f"evaluation/comparison/{family}_{phase}.parquet"
        for family in ("baselines", "ablation")
        for phase in PHASES
    ]
    missing = [path for path in tables if not path.exists()]
    if missing:
        raise DataError(f"{missing[0]}: must exist before numbers can be compared, got no such file: run the study")
    cells = pl.concat([_methods(path) for path in tables])
    return pl.concat([_counts(results), cells]).unique(KEY, keep="first", maintain_order=True).sort(KEY)


def _methods(path: Path) -> pl.DataFrame:
    comparison = read([path])
    parts = [headline(comparison, tier) for tier in comparison["tier"].unique().sort()]
    cells = pl.concat(parts).filter(pl.col("metric").is_in(ERRORS + SHARES)).drop_nulls("mean")
    magnifying = pl.col("run").str.contains(".", literal=True) | pl.col("run").is_in(MAGNIFYING)

    def either(tolerances: dict[str, float]) -> pl.Expr:
        return pl.when(magnifying).then(tolerances["magnified"]).otherwise(tolerances["fitted"])

    error = pl.col("metric").is_in(ERRORS)
    return cells.select(
        pl.col("run").alias("method"),
        *KEY[1:],
        pl.col("mean").alias("value"),
        pl.when(error).then(either(RELATIVE) * pl.col("mean")).otherwise(either(ABSOLUTE)).alias("tolerance"),
    )


def _counts(results: Path) -> pl.DataFrame:
    points = pl.read_parquet(results / "surfaces/points.parquet").with_columns(date=pl.col("quote_time").dt.date())
    dated = points.join(pl.read_parquet(results / "surfaces/split.parquet"), on="date")
    counts = dated.group_by("tier", "split", maintain_order=True).agg(
        pl.col("date").n_unique().alias("days"),
        pl.col("surface_id").n_unique().alias("surfaces"),
        pl.len().alias("points"),
        (~pl.col("visible")).sum().alias("hidden points"),
    )
    long = counts.unpivot(index=["tier", "split"], variable_name="metric", value_name="value")
    return long.select(
        pl.lit("data").alias("method"),
        "tier",
        pl.col("split").alias("mask"),
        "metric",
        pl.col("value").cast(pl.Float64),
        tolerance=pl.lit(0.0),
    )


def judge(expected: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Every committed number with the one found (`found`; null: none) and whether it is `reproduced`."""
    values = found.select(*KEY, pl.col("value").alias("found"))
    joined = expected.join(values, on=KEY, how="left", maintain_order="left")
    near = (pl.col("found") - pl.col("value")).abs() <= pl.col("tolerance") + 1e-9  # of the decimals that are kept
    return joined.with_columns(reproduced=near.fill_null(False))


def table(judged: pl.DataFrame) -> str:
    """The verdicts, a line a number."""
    lines = [f"{'method':<30} {'where':<32} {'number':<24} {'committed':>22} {'found':>10}"]
    for row in judged.iter_rows(named=True):
        where = f"{row['tier']}, {row['mask']}"
        committed = f"{row['value']:.4g} ± {row['tolerance']:.2g}" if row["tolerance"] else f"{row['value']:.0f}"
        got = "none" if row["found"] is None else f"{row['found']:.4g}" if row["tolerance"] else f"{row['found']:.0f}"
        verdict = "reproduced" if row["reproduced"] else "NOT reproduced"
        lines.append(f"{row['method']:<30} {where:<32} {row['metric']:<24} {committed:>22} {got:>10}  {verdict}")
    return "\n".join([*lines, f"{judged['reproduced'].sum()} of {judged.height} numbers reproduced"])


def committed(path: Path) -> pl.DataFrame:
    """The committed numbers.

    Raises
    ------
    DataError
        There are none, or the file is no such table.
    """
    if not path.exists():
        raise DataError(f"{path}: must hold the committed numbers, got no such file: write it by `make expected`")
    try:
        return pl.read_csv(path, schema=COLUMNS)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: must have the columns {', '.join(COLUMNS)}, got {error}") from error


def main() -> int:
    """Compare, or write what later runs are compared with."""
    fail_in_a_sentence()
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", type=Path, required=True)
    parser.add_argument("--update", action="store_true", help="commit to the numbers of the study as it stands")
    chosen = parser.parse_args()
    study = complete(yaml.safe_load(chosen.configfile.read_text()))
    path = EXPECTED / f"{study['study']}.csv"
    found = headlines(Path(study["results"]))
    if chosen.update:
        write_text(found.write_csv(float_precision=6), path)
        print(f"{path}: {found.height} numbers")
        return 0
    judged = judge(committed(path), found)
    print(table(judged))
    return int(not judged["reproduced"].all())


if __name__ == "__main__":
    sys.exit(main())
