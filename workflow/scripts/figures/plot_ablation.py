"""Every run of the study: error beside arbitrage, on the tier that each phase is for."""

from workflow.scripts.comparison import read
from workflow.scripts.figures.dots import error_and_arbitrage
from workflow.scripts.figures.drawing import options, save
from workflow.scripts.names import data_label, seeds_of


def main() -> None:
    """Draw."""
    chosen = options(__doc__, "comparison")
    cells = read(chosen.comparison)
    labels = {method: chosen.settings["runs"][method.split(".")[0]]["label"] for method in cells["run"].unique()}
    title = (
        "Ablation: pre-trained on the liquid tier, fine-tuned on the sparse one; "
        f"mean over test surfaces, {seeds_of(cells['seeds'].to_list())}\n{data_label(chosen.settings)}"
    )
    save(error_and_arbitrage(cells, labels, title), chosen)


if __name__ == "__main__":
    main()
