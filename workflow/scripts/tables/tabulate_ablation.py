"""Every run of the study against the reference: error, its difference with two intervals, and arbitrage."""

from workflow.scripts.comparison import TIERS, of_tier, read, value
from workflow.scripts.names import mask_label
from workflow.scripts.tables.typesetting import (
    escape,
    interval,
    number,
    options,
    p_value,
    percent,
    plus_minus,
    source,
    table,
    write,
)

HEADER = (
    "run",
    "RMSE",
    r"MSE ($\sigma^2$)",
    "difference",
    "over days",
    "$p$ (Holm)",
    "over seeds",
    r"violating (\%)",
    "seeds",
)


def main() -> None:
    """Typeset."""
    chosen = options(__doc__, "comparison")
    comparison = read(chosen.comparison)
    blocks = {}
    for phase, tier in TIERS.items():
        mask, methods = of_tier(comparison, tier)
        blocks[escape(f"{phase}, {tier} tier, {mask_label(mask)}")] = [
            (
                escape(chosen.settings["runs"][method.split(".")[0]]["label"]),
                plus_minus(value(metrics, "rmse"), value(metrics, "rmse", "std")),
                number(value(metrics, "mse")),
                number(value(metrics, "rmse", "difference")),
                interval(value(metrics, "rmse", "low"), value(metrics, "rmse", "high")),
                p_value(value(metrics, "rmse", "p_holm")),
                interval(value(metrics, "rmse", "seeds_low"), value(metrics, "rmse", "seeds_high")),
                percent(value(metrics, "violating")),
                seeds_and_pairs(value(metrics, "rmse", "seeds"), value(metrics, "rmse", "pairs")),
            )
            for method, metrics in methods.items()
        ]
    evaluation = chosen.settings["evaluation"]
    confidence = rf"{100 * evaluation['confidence']:.0f}\,\%"
    caption = (
        "Ablation: each row changes one thing against the study's model. RMSE in vol points, mean over test surfaces "
        rf"$\pm$ standard deviation over seeds; its difference to that model's with two {confidence} intervals: over "
        f"days, by a bootstrap over blocks of {evaluation['bootstrap_block_days']} test days with the seeds as they "
        "are, beside Diebold and Mariano's test with Holm's correction over the rows; over seeds, Student's interval "
        "of the mean difference, paired seed by seed, with the days as they are (a dash: fewer than two pairs). "
        "Violating: share of audited surfaces on which arbitrage was found. "
    )
    write(table(caption + source(chosen.settings), "ablation", HEADER, blocks), chosen.tex)


def seeds_and_pairs(seeds: int | None, pairs: int | None) -> str:
    """How many seeds a row has, and how many of them the study's model has too, where that is fewer."""
    return str(seeds) if pairs is None or pairs == seeds else f"{seeds} ({pairs} paired)"


if __name__ == "__main__":
    main()
