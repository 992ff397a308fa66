r"""Numbers that a text quotes, as LaTeX commands: `\SparseRmse` and its like."""

from workflow.scripts.comparison import TIERS, of_tier, read, value
from workflow.scripts.names import data_label, mask_label, method_label
from workflow.scripts.tables.typesetting import escape, number, options, percent, plus_minus, write


def main() -> None:
    """List."""
    chosen = options(__doc__, "comparison")
    comparison = read(chosen.comparison)
    run = chosen.settings["evaluation"]["reference"].split(".")[0]
    numbers = {"DataLabel": escape(data_label(chosen.settings))}
    for phase, tier in TIERS.items():
        mask, methods = of_tier(comparison, tier)
        ours = methods[f"{run}.{phase}"]
        peers = [method for method in methods if "." not in method]
        name = tier.capitalize()
        numbers |= {
            f"{name}Mask": escape(mask_label(mask)),
            f"{name}Rmse": plus_minus(value(ours, "rmse"), value(ours, "rmse", "std")),
            f"{name}Seeds": str(value(ours, "rmse", "seeds")),
            f"{name}Surfaces": str(value(ours, "rmse", "surfaces")),
            f"{name}Violating": percent(value(ours, "violating")),
        }
        if peers:
            best = methods[peers[0]]
            numbers |= {
                f"{name}BestBaseline": escape(method_label(peers[0], chosen.settings)),
                f"{name}BestBaselineRmse": plus_minus(value(best, "rmse"), value(best, "rmse", "std")),
                f"{name}BestBaselineViolating": percent(value(best, "violating")),
                f"{name}Advantage": number(value(best, "rmse", "difference")),
            }
    write("\n".join(rf"\newcommand{{\{key}}}{{{text}}}" for key, text in numbers.items()), chosen.tex)


if __name__ == "__main__":
    main()
