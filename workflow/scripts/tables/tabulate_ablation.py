"""Every run of the study against the reference: error, its difference with an interval, and arbitrage."""

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
    r"interval",
    "$p$ (Holm)",
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
                percent(value(metrics, "violating")),
                str(value(metrics, "rmse", "seeds")),
            )
            for method, metrics in methods.items()
        ]
    confidence = f"{100 * chosen.settings['evaluation']['confidence']:.0f}"
    caption = (
        "Ablation: each row changes one thing against the study's model. RMSE in vol points, mean over test surfaces "
        r"$\pm$ standard deviation over seeds; its difference to that model's with a "
        rf"{confidence}\,\% interval by a bootstrap over blocks of test days; share of audited surfaces on which "
        "arbitrage was found. "
    )
    write(table(caption + source(chosen.settings), "ablation", HEADER, blocks), chosen.tex)


if __name__ == "__main__":
    main()
