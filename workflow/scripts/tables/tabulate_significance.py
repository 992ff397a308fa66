"""Every method against the reference: difference of errors, its interval over days, test and win rate."""

from workflow.scripts.comparison import of_tier, read, value
from workflow.scripts.names import mask_label, method_label
from workflow.scripts.tables.typesetting import (
    escape,
    interval,
    number,
    options,
    p_value,
    percent,
    source,
    table,
    write,
)

HEADER = ("method", "difference", "interval", "blocks", "$p$", "$p$ (Holm)", r"reference wins (\%)", "surfaces", "days")


def main() -> None:
    """Typeset."""
    chosen = options(__doc__, "comparison")
    comparison = read(chosen.comparison)
    evaluation = chosen.settings["evaluation"]
    blocks = {}
    for tier in comparison["tier"].unique().sort().to_list():
        mask, methods = of_tier(comparison, tier)
        blocks[escape(f"{tier} tier, {mask_label(mask)}")] = [
            (
                escape(method_label(method, chosen.settings)),
                number(value(metrics, "rmse", "difference")),
                interval(value(metrics, "rmse", "low"), value(metrics, "rmse", "high")),
                str(value(metrics, "rmse", "blocks")),
                p_value(value(metrics, "rmse", "p_value")),
                p_value(value(metrics, "rmse", "p_holm")),
                percent(value(metrics, "rmse", "win_rate")),
                str(value(metrics, "rmse", "surfaces")),
                str(value(metrics, "rmse", "days")),
            )
            for method, metrics in methods.items()
            if value(metrics, "rmse", "difference") is not None
        ]
    confidence, block = 100 * evaluation["confidence"], evaluation["bootstrap_block_days"]
    caption = (
        "RMSE (vol points) of each method minus that of the study's model, pre-trained on the liquid tier and "
        rf"fine-tuned on the sparse one: mean over test days, with a {confidence:.0f}\,\% interval by a circular "
        f"bootstrap over blocks of {block} days, Diebold and Mariano's test, and Holm's correction over the methods. "
    )
    write(table(caption + source(chosen.settings), "significance", HEADER, blocks), chosen.tex)


if __name__ == "__main__":
    main()
