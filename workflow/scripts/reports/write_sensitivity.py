"""What the sensitivities to the market say for turbulent days and for risk management, as Markdown."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from ivyspt.artefacts import whole
from workflow.scripts import sensitivity
from workflow.scripts.analyses import FEATURES, count_days
from workflow.scripts.names import data_label, mask_label, method_label, seeds_of

CLOSED = 0.01  # mean weight of the market in every block below which its path counts as closed
NEGLIGIBLE = 0.01  # of the RMSE: a change of answers or errors below it is nothing that a user could tell

READING = """\
Derivatives are of the answered vol by a feature as it is given to the model, with the quotes that are shown held fixed:
a part of how vols move with the market, and not the larger one, since the quotes move too. A derivative is local; what
a feature is worth shows where it is replaced by another day's. No derivative here is a cause."""

UNUSED_TURBULENCE = """\
**In turbulence.** The answers rest on the quotes of the moment alone. A wrong, late or missing market feature does no
harm, on turbulent days as on calm ones, and none can help: what this model knows of a turbulent day it reads from that
day's quotes, and where these are few its answers are as good as the quotes. That the derivatives are small is no sign
of a robust method; it says that this training made nothing of the market."""
UNUSED_RISK = """\
**In risk management.** The derivatives are no exposures. Shifting a feature does not shift the surface, so a scenario
(say, VIX up ten points) must be put into the quotes that are shown, not into the features. Nor do the attention
weights on the market say which feature matters: what they weigh hardly reaches the answer."""
USED_TURBULENCE = """\
**In turbulence.** The answers lean on the features. A wrong or late value moves them by about what is reported above,
and a day whose features lie beyond those of training is extrapolated: check the features before the answers are used,
and compare with the derivatives on days of stress."""
USED_RISK = """\
**In risk management.** The derivatives rank which feature moves the completed part of a surface, quotes held fixed.
They are not the surface's whole response to the market; for that, shift the quotes as well."""
UNSEEN = """\
**What the features are worth.** Replacing them by another day's changes the error by less than {share:.0f} % of it: the
answers would be as good without them."""
WORTH = """\
**What the features are worth.** Replacing them by another day's changes the error by {share:+.0f} %, on average over
surfaces."""


def parse() -> Namespace:
    """Settings, tables, and where the page goes."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=json.loads, required=True)
    for table in ("derivatives", "permutations", "gates", "days"):
        parser.add_argument(f"--{table}", type=Path, nargs="+", required=True)
    parser.add_argument("--markdown", type=Path, required=True)
    return parser.parse_args()


def is_closed(gates: pl.DataFrame) -> bool:
    """Whether every block's gate lets next to nothing of the market through; a model without a gate is open."""
    weights = gates.group_by("block", maintain_order=True).agg(pl.col("market_weight_mean").mean())[
        "market_weight_mean"
    ]
    return len(weights) > 0 and weights.max() < CLOSED


def verdict(closed: bool, used: bool) -> str:
    """How open the path is, and whether anything comes through."""
    path = "The path from the market is closed" if closed else "The path from the market is open"
    return f"{path}, and answers use it." if used else f"{path}, and next to nothing comes through it."


def sizes(slopes: pl.DataFrame, moves: pl.DataFrame, effects: pl.DataFrame) -> str:
    """The numbers that the judgement rests on."""
    top = moves.sort("move_vol_points", descending=True).row(0, named=True)
    by_condition = {
        condition: sensitivity.moments(rows).filter(pl.col("feature") == top["feature"])["size"][0]
        for (condition,), rows in slopes.filter(pl.col("feature") == top["feature"]).group_by(
            "condition", maintain_order=True
        )
    }
    together = effects.filter(pl.col("feature") == "all").row(0, named=True)
    text = (
        f"Most moves the {FEATURES[top['feature']]}: one standard deviation of it by {top['move_vol_points']:.2g} vol "
        f"points on average, against an RMSE of {together['rmse']:.3g}. "
    )
    if len(by_condition) == 2 and by_condition["calm"] > 0:
        ratio = by_condition["stress"] / by_condition["calm"]
        text += f"On days of stress its derivative is {ratio:.2g} times as large as on calm ones, by mean size. "
    return text + (
        f"With all five features of another day the answers change by {together['change']:.2g} vol points and the RMSE "
        f"by {together['rmse_change']:+.2g} (from {together['best']:+.2g} to {together['worst']:+.2g} over repeats and "
        "seeds)."
    )


def section(method: str, slopes: pl.DataFrame, effects: pl.DataFrame, gates: pl.DataFrame, settings: dict) -> list[str]:
    """Paragraphs on one model."""
    tier, mask = slopes["tier"][0], slopes["mask"][0]
    surfaces, seeds = slopes["surface_id"].n_unique(), seeds_of([slopes["seed"].n_unique()])
    together = effects.filter(pl.col("feature") == "all").row(0, named=True)
    share = together["rmse_change"] / together["rmse"]
    small = abs(share) < NEGLIGIBLE
    worth = (UNSEEN if small else WORTH).format(share=100 * (NEGLIGIBLE if small else share))
    used = together["change"] >= NEGLIGIBLE * together["rmse"]
    path = sensitivity.openness(gates, method)
    return [
        f"## {method_label(method, settings)}, {tier} tier",
        f"{surfaces} surfaces, {mask_label(mask)}, {seeds}; {path}. **{verdict(is_closed(gates), used)}**",
        sizes(slopes, sensitivity.moments(slopes), effects),
        worth,
        USED_TURBULENCE if used else UNUSED_TURBULENCE,
        USED_RISK if used else UNUSED_RISK,
    ]


def page(slopes: pl.DataFrame, effects: pl.DataFrame, gates: pl.DataFrame, days: str, settings: dict) -> Sequence[str]:
    """All paragraphs."""
    paragraphs = ["# Sensitivity to market features", f"Data: {data_label(settings)}. {days}", READING]
    for method, _ in sensitivity.groups(slopes):
        of_method = [table.filter(pl.col("run") == method) for table in (slopes, effects, gates)]
        paragraphs += section(method, *of_method, settings)
    return paragraphs


def main() -> None:
    """Write."""
    chosen = parse()
    days = pl.read_parquet(chosen.days[0])
    slopes = sensitivity.derivatives(chosen.derivatives, days)
    effects = sensitivity.effects(sensitivity.permutations(chosen.permutations, days))
    counted = [count_days(days, split) for split in ("validation", "test")]
    calm, stress = (sum(each[name] for each in counted) for name in ("calm", "stress"))
    told = f"Validation and test days: {calm} calm, {stress} of market stress."
    paragraphs = page(slopes, effects, sensitivity.read(chosen.gates), told, chosen.settings)
    with whole(chosen.markdown) as temporary:
        temporary.write_text("\n\n".join(paragraphs) + "\n")


if __name__ == "__main__":
    main()
