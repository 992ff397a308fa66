"""Sensitivity to the market features: derivatives, what they foretell, and permuted features as the null."""

import polars as pl

from workflow.scripts import sensitivity
from workflow.scripts.analyses import FEATURES, count_days
from workflow.scripts.names import mask_label, method_label, seeds_of
from workflow.scripts.tables.typesetting import escape, number, options, source, table, write

HEADER = (
    "feature",
    r"$\partial\sigma/\partial x$",
    "std",
    "calm",
    "std",
    "stress",
    "std",
    r"move of 1 std",
    r"permuted $|\Delta\sigma|$",
    r"$\Delta$RMSE",
)


def cells(rows: dict[str, dict], feature: str) -> list[str]:
    """Mean and standard deviation of a derivative."""
    row = rows.get(feature, {})
    return [number(row.get("mean")), number(row.get("std"))]


def by_feature(rows: pl.DataFrame) -> dict[str, dict]:
    """Rows by their feature."""
    return {row["feature"]: row for row in rows.iter_rows(named=True)}


def block(slopes: pl.DataFrame, effects: pl.DataFrame) -> list[tuple[str, ...]]:
    """One row a feature, and one for all together."""
    every = by_feature(sensitivity.moments(slopes))
    calm, stress = (
        by_feature(sensitivity.moments(slopes.filter(pl.col("condition") == name))) for name in ("calm", "stress")
    )
    effect = by_feature(effects)
    rows = []
    for name, label in (FEATURES | {"all": "all together"}).items():
        derivative = [each for part in (every, calm, stress) for each in cells(part, name)]
        own = effect.get(name, {})
        permuted = (number(every.get(name, {}).get("move_vol_points")), number(own.get("change")))
        rows.append((label, *derivative, *permuted, number(own.get("rmse_change"))))
    return rows


def main() -> None:
    """Typeset."""
    chosen = options(__doc__, "derivatives", "permutations", "gates", "days")
    days, gates = pl.read_parquet(chosen.days[0]), sensitivity.read(chosen.gates)
    slopes = sensitivity.derivatives(chosen.derivatives, days)
    effects = sensitivity.effects(sensitivity.permutations(chosen.permutations, days))
    blocks, masks = {}, {}
    for method, tier in sensitivity.groups(slopes):
        own = slopes.filter(pl.col("run") == method)
        masks[tier] = f"{tier} tier {mask_label(own['mask'][0])}"
        counts = f"{seeds_of([own['seed'].n_unique()])}, {own['surface_id'].n_unique()} surfaces"
        counts += f", {own.filter(pl.col('seed') == own['seed'][0]).height // len(FEATURES)} targets"
        title = (
            f"{method_label(method, chosen.settings)}, {tier} tier ({counts}; {sensitivity.openness(gates, method)})"
        )
        blocks[escape(title)] = block(own, effects.filter(pl.col("run") == method))
    counted = [count_days(days, split) for split in ("validation", "test")]
    both = {name: sum(each[name] for each in counted) for name in ("calm", "stress")}
    caption = (
        r"Exact derivatives of the implied vol by each market feature $x$, context held fixed, decimals by decimals: "
        "mean and standard deviation over every target of the validation and test days and over seeds, and on their "
        f"{both['calm']} calm days and {both['stress']} days of stress. Move of 1 std: mean absolute derivative times "
        "the feature's standard deviation over surfaces; permuted: mean absolute change of the answers, and change of "
        "the RMSE, where the feature comes from another day of the same symbol (all three in vol points). "
    )
    caption += escape(f"Masks: {'; '.join(masks.values())}. ")
    write(table(caption + source(chosen.settings), "sensitivity", HEADER, blocks), chosen.tex)


if __name__ == "__main__":
    main()
