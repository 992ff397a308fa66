"""Write the model card of packaged weights from a finished benchmark study: `python tools/model_card.py --help`."""

import argparse
import json
from pathlib import Path

import polars as pl
from safetensors import safe_open

ROW = "packaged"


def main() -> None:
    """Print the card as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument(
        "--results", type=Path, required=True, help="of the benchmark study, for instance results/benchmark-panel"
    )
    parser.add_argument("--text", type=Path, required=True, help="what the card says beside numbers, Markdown")
    parser.add_argument("--card", type=Path, required=True)
    chosen = parser.parse_args()
    with safe_open(chosen.weights, framework="np") as file:
        origin = json.loads(file.metadata()["ivyspt"])
    tables = "\n\n".join((_errors(chosen.results), _audit(chosen.results), _origin(origin)))
    chosen.card.write_text(f"{chosen.text.read_text().rstrip()}\n\n{tables}\n")


def _errors(results: Path) -> str:
    """Medians of per-surface RMSE by tier and mask, beside the best peer of each cell."""
    table = pl.concat(
        [pl.read_parquet(path) for path in sorted((results / "evaluation" / "errors").glob("*/*.parquet"))]
    )
    medians = (
        table.filter(pl.col("region") == "all")
        .group_by("run", "tier", "mask")
        .agg(pl.col("rmse").median(), pl.len().alias("surfaces"))
    )
    own = medians.filter(pl.col("run") == ROW)
    peers = medians.filter(pl.col("run") != ROW, ~pl.col("run").str.contains(r"\.")).sort("rmse", "run")
    best = peers.group_by("tier", "mask", maintain_order=True).first()
    joined = own.join(best, on=["tier", "mask"], suffix="_best").sort("tier", "mask")
    lines = [
        "Median per-surface RMSE on the test days, vol points; the best peer of each cell is chosen after the fact:",
        "",
        "| tier | mask | surfaces | these weights | best peer | ratio |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in joined.iter_rows(named=True):
        ratio = row["rmse"] / row["rmse_best"]
        peer = f"{row['rmse_best']:.2f} ({row['run_best'].replace('_', ' ')})"
        lines.append(
            f"| {row['tier']} | {row['mask']} | {row['surfaces']} | {row['rmse']:.2f} | {peer} | {ratio:.2f} |"
        )
    return "\n".join(lines)


def _audit(results: Path) -> str:
    found = pl.concat(
        pl.read_parquet(path) for path in sorted((results / "evaluation" / "audit").glob(f"{ROW}/*.parquet"))
    )
    judged = found.filter(pl.col("violating").is_not_null())
    prices = found.filter(pl.col("violating_prices").is_not_null())
    return (
        f"Surfaces in which the audit found arbitrage: {judged['violating_derivatives'].sum()} of {judged.height}"
        f" by derivatives, {prices['violating_prices'].sum()} of {prices.height} by the referee on prices."
    )


def _origin(origin: dict) -> str:
    names = ", ".join(origin["held_out_symbols"])
    return (
        f"Symbols held out of training: {names}. Seed {origin['seed']}."
        " `ivyspt provenance ivyspt/weights/base.safetensors` prints every setting."
    )


if __name__ == "__main__":
    main()
