"""Write the model card of packaged weights from finished benchmark studies: `python tools/model_card.py --help`."""

import argparse
import json
from pathlib import Path

import numpy as np
import polars as pl
from arch.bootstrap import CircularBlockBootstrap
from safetensors import safe_open

FEW = ("random_5", "random_9", "random_20", "random_40")
HOLES = (
    "block",
    "both_wings",
    "left_wing",
    "near_money",
    "nine_clustered",
    "right_wing",
    "short_end",
    "whole_expiries",
)
DRAWS = 2000
OURS = ("packaged", "ivyspt")  # how the names of rows that are no peers begin
CELL = ["tier", "mask"]


def main() -> None:
    """Write the card as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--text", type=Path, required=True, help="what the card says beside numbers, Markdown")
    parser.add_argument("--card", type=Path, required=True)
    parser.add_argument(
        "--study",
        nargs=4,
        action="append",
        required=True,
        metavar=("TITLE", "RESULTS", "ROW", "DAYS"),
        help="a finished study: its heading, its results' prefix, the row of the weights and how many days a resampled"
        " block has; may be repeated",
    )
    chosen = parser.parse_args()
    with safe_open(chosen.weights, framework="np") as file:
        origin = json.loads(file.metadata()["ivyspt"])
    parts = [chosen.text.read_text().rstrip(), _LEGEND]
    parts += [_study(title, Path(results), row, int(days)) for title, results, row, days in chosen.study]
    chosen.card.write_text("\n\n".join((*parts, _origin(origin))) + "\n")


_LEGEND = """## Errors on test days

Medians of per-surface RMSE, vol points. The best peer of each cell is chosen after the fact, among those that are
named, each tuned on validation days; the ratio to it has a 95 % interval from resampled blocks of days, and wins are
the share of surfaces with less error than the best peer's. The last columns are the shares of targets within the 90 %
and the 50 % intervals. No row but one called `bid_ask` knows of bids and asks."""


def _study(title: str, results: Path, row: str, block: int) -> str:
    errors = (
        _read(results, "errors").filter(pl.col("region") == "all").with_columns(date=pl.col("quote_time").dt.date())
    )
    peers = errors.filter(~pl.any_horizontal(pl.col("run").str.starts_with(name) for name in OURS))
    own = errors.filter(pl.col("run") == row)
    if own.is_empty():
        raise SystemExit(
            f"{results}: must hold errors of the row {row}, got {', '.join(errors['run'].unique().sort())}"
        )
    named = ", ".join(peers["run"].unique().sort())
    lines = [
        f"### {title}",
        "",
        f"{own['date'].n_unique()} days, {own['symbol'].n_unique()} names; blocks of {block}. Peers: {named}.",
        "",
        "| tier | mask | surfaces | these weights | best peer | ratio | wins | in 90 % | in 50 % |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (tier, mask), (peer, pairs) in _paired(own, peers, "rmse").items():
        mine, theirs = pairs["rmse"].median(), pairs["rmse_peer"].median()
        low, high = _interval(pairs, block)
        covered = [_weighted(pairs, f"covered_{level}") for level in (90, 50)]
        wins = (pairs["rmse"] < pairs["rmse_peer"]).mean()
        lines.append(
            f"| {tier} | {mask} | {pairs.height} | {mine:.2f} | {theirs:.2f} ({peer.replace('_', ' ')}) |"
            f" {mine / theirs:.2f} [{low:.2f}, {high:.2f}] | {wins:.0%} | {covered[0]:.0%} | {covered[1]:.0%} |"
        )
    means = _means(*(_ratios(own, peers, metric) for metric in ("rmse", "mae")))
    return "\n".join((*lines, "", *means, *_beside(errors, row), "", _audit(results, row)))


def _paired(own: pl.DataFrame, peers: pl.DataFrame, metric: str) -> dict[tuple[str, str], tuple[str, pl.DataFrame]]:
    """By tier and mask, the peer whose median is the least, and the surfaces that both have answered."""
    medians = peers.group_by("run", *CELL).agg(pl.col(metric).median()).sort(metric, "run")
    best = medians.group_by(CELL, maintain_order=True).first().sort(CELL)
    found = {}
    for tier, mask, peer in best.select(*CELL, "run").iter_rows():
        cell = (pl.col("tier") == tier) & (pl.col("mask") == mask)
        pairs = own.filter(cell).join(peers.filter(cell, pl.col("run") == peer), on="surface_id", suffix="_peer")
        if pairs.height:
            found[tier, mask] = peer, pairs
    return found


def _ratios(own: pl.DataFrame, peers: pl.DataFrame, metric: str) -> dict[tuple[str, str], float]:
    """Of medians to the best peer's, by cell."""
    return {
        cell: pairs[metric].median() / pairs[f"{metric}_peer"].median()
        for cell, (_, pairs) in _paired(own, peers, metric).items()
    }


def _interval(pairs: pl.DataFrame, block: int) -> tuple[float, float]:
    """Of the ratio of medians, from resampled blocks of days."""
    days = pairs.partition_by("date", maintain_order=True)
    if len(days) < 2:
        return float("nan"), float("nan")
    columns = [(day["rmse"].to_numpy(), day["rmse_peer"].to_numpy()) for day in days]
    bootstrap = CircularBlockBootstrap(block, np.arange(len(days)), seed=np.random.default_rng(0))

    def ratio(drawn: np.ndarray) -> float:
        mine, theirs = (np.median(np.concatenate([columns[i][side] for i in drawn])) for side in (0, 1))
        return mine / theirs

    return tuple(np.quantile(bootstrap.apply(ratio, DRAWS), [0.025, 0.975]))


def _weighted(pairs: pl.DataFrame, name: str) -> float:
    return (pairs[name] * pairs["points"]).sum() / pairs["points"].sum()


def _means(ratios: dict, absolute: dict) -> list[str]:
    """Geometric means of the ratios of RMSE and of MAE by tier."""
    lines = []
    for tier in dict.fromkeys(tier for tier, _ in ratios):
        parts = []
        for name, masks in (("few quotes at random", FEW), ("holes", HOLES)):
            cells = [cell for cell in ratios if cell[0] == tier and cell[1] in masks]
            if cells:
                mean, of_mae = (np.exp(np.mean([np.log(kind[cell]) for cell in cells])) for kind in (ratios, absolute))
                parts.append(f"{mean:.3f} over {len(cells)} cells of {name} ({of_mae:.3f} by MAE)")
        worse = sum(ratio > 1 for (other, _), ratio in ratios.items() if other == tier)
        count = sum(other == tier for other, _ in ratios)
        lines.append(
            f"{tier.capitalize()}: geometric mean ratio {', '.join(parts)}; above one in {worse} of {count} cells."
        )
    return lines


def _beside(errors: pl.DataFrame, row: str) -> list[str]:
    """The other rows of packaged weights, against this one."""
    medians = errors.group_by("run", *CELL).agg(pl.col("rmse").median())
    own = medians.filter(pl.col("run") == row)
    others = sorted(run for run in medians["run"].unique() if run.startswith("packaged") and run != row)
    lines = []
    for run in others:
        joined = own.join(medians.filter(pl.col("run") == run), on=CELL, suffix="_other")
        joined = joined.with_columns(change=(pl.col("rmse_other") / pl.col("rmse")).log())
        few = joined.filter(pl.col("mask").is_in(FEW))
        mean = np.exp(joined["change"].mean())
        line = f"Row `{run}`: {mean:.3f} times these errors, geometric mean over {joined.height} cells"
        if few.height:
            line += f" ({np.exp(few['change'].mean()):.3f} over {few.height} of few quotes at random)"
        cells = errors.filter(pl.col("run") == run, pl.col("covered_90").is_not_null()).partition_by(CELL)
        if cells:
            covered = [_weighted(cell, "covered_90") for cell in cells]
            line += f"; its 90 % intervals hold {min(covered):.0%} to {max(covered):.0%} of a cell's targets"
        lines.append(f"{line}.")
    return lines


def _read(results: Path, kind: str) -> pl.DataFrame:
    paths = sorted((results / "evaluation" / kind).glob("*/*.parquet"))
    if not paths:
        raise SystemExit(f"{results}/evaluation/{kind}: must hold tables of a finished study, got none")
    return pl.concat([pl.read_parquet(path) for path in paths if "." not in path.parent.name])


def _audit(results: Path, row: str) -> str:
    found = _read(results, "audit").filter(pl.col("run") == row)
    judged = found.filter(pl.col("violating_derivatives").is_not_null())
    prices = found.filter(pl.col("violating_prices").is_not_null())
    return (
        f"Surfaces in which the audit found arbitrage: {judged['violating_derivatives'].sum():.0f} of {judged.height}"
        f" by derivatives, {prices['violating_prices'].sum():.0f} of {prices.height} by the referee on prices."
    )


def _origin(origin: dict) -> str:
    names = ", ".join(origin["held_out_symbols"])
    return (
        f"Symbols held out of training: {names}. Seed {origin['seed']}."
        " `ivyspt provenance ivyspt/weights/base.safetensors` prints every setting."
    )


if __name__ == "__main__":
    main()
