"""The model and every baseline: errors, and losses at the quoted points."""

from workflow.scripts.comparison import of_tier, read, value
from workflow.scripts.names import mask_label, method_label
from workflow.scripts.tables.typesetting import escape, number, options, percent, plus_minus, source, table, write

HEADER = (
    "method",
    "RMSE",
    "median",
    r"MSE ($\sigma^2$)",
    r"$L_\mathrm{cal}$",
    r"$L_\mathrm{but}$",
    r"failed (\%)",
    "seeds",
)


def main() -> None:
    """Typeset."""
    chosen = options(__doc__, "comparison")
    comparison = read(chosen.comparison)
    blocks = {}
    for tier in comparison["tier"].unique().sort().to_list():
        mask, methods = of_tier(comparison, tier)
        blocks[escape(f"{tier} tier, {mask_label(mask)}")] = [
            (
                escape(method_label(method, chosen.settings)),
                plus_minus(value(metrics, "rmse"), value(metrics, "rmse", "std")),
                number(value(metrics, "rmse", "median")),
                number(value(metrics, "mse")),
                number(value(metrics, "calendar_loss")),
                number(value(metrics, "butterfly_loss")),
                percent(value(metrics, "failed_share")),
                str(value(metrics, "rmse", "seeds")),
            )
            for method, metrics in methods.items()
        ]
    caption = (
        r"Errors on the test days: root mean squared error of a surface in vol points (mean over surfaces $\pm$ "
        "standard deviation over seeds, and median over surfaces), mean squared error, and the paper's two penalties "
        "at the quoted points. A dash: the method has no derivatives. "
    )
    write(table(caption + source(chosen.settings), "baselines", HEADER, blocks), chosen.tex)


if __name__ == "__main__":
    main()
