"""Arbitrage found on the audit grid, method by method, beside the error of each."""

from workflow.scripts.comparison import of_tier, read, value
from workflow.scripts.names import mask_label, method_label
from workflow.scripts.tables.typesetting import escape, number, options, percent, plus_minus, source, table, write

HEADER = (
    "method",
    "RMSE",
    r"$g < 0$ (\% of nodes)",
    r"$\partial_\tau w < 0$ (\% of nodes)",
    "negative mass",
    r"by derivatives (\%)",
    r"by prices (\%)",
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
                percent(value(metrics, "butterfly_share")),
                percent(value(metrics, "calendar_share")),
                number(value(metrics, "negative_mass")),
                percent(value(metrics, "violating_derivatives")),
                percent(value(metrics, "violating_prices")),
                str(value(metrics, "rmse", "seeds")),
            )
            for method, metrics in methods.items()
        ]
    audit = chosen.settings["evaluation"]
    nodes = audit["audit_points"][0] * audit["audit_points"][1]
    caption = (
        f"Static arbitrage found on a grid of {nodes} nodes a surface, out to ${audit['audit_max_z']:g}$ standard "
        "deviations: shares of nodes, the largest mass of negative density of a slice, and shares of surfaces that "
        "violate, by the method's own derivatives and by spreads of its prices. None found on the grid is not a proof "
        "that there is none. A dash: the method has no derivatives, or surfaces were not audited under the mask. "
    )
    write(table(caption + source(chosen.settings), "arbitrage", HEADER, blocks), chosen.tex)


if __name__ == "__main__":
    main()
