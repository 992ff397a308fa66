"""The model against every baseline: error beside arbitrage, tier by tier."""

from workflow.scripts.comparison import read
from workflow.scripts.figures.dots import error_and_arbitrage
from workflow.scripts.figures.drawing import options, save
from workflow.scripts.names import data_label, method_label, seeds_of


def main() -> None:
    """Draw."""
    chosen = options(__doc__, "comparison")
    comparison = read(chosen.comparison)
    labels = {method: method_label(method, chosen.settings) for method in comparison["run"].unique()}
    seeds = seeds_of(comparison["seeds"].to_list())
    title = f"Baselines: mean over test surfaces, {seeds}\n{data_label(chosen.settings)}"
    save(error_and_arbitrage(comparison, labels, title), chosen)


if __name__ == "__main__":
    main()
