"""Eigenvalues of the tangent kernel where training starts, and the descent that they predict beside the one seen."""

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from workflow.scripts.figures.drawing import options, plain_log_ticks, save
from workflow.scripts.figures.palette import SEQUENCE
from workflow.scripts.names import data_label

BINS_PER_DECADE = 2


def main() -> None:
    """Draw."""
    chosen = options(__doc__, "summary", "eigenvalues", "descent")
    summary, eigenvalues, descent = (
        pl.concat([pl.read_parquet(path) for path in getattr(chosen, name)])
        for name in ("summary", "eigenvalues", "descent")
    )
    figure, (ranked, counted, predicted) = plt.subplots(1, 3, figsize=(7.2, 2.9))
    runs = summary["run"].unique(maintain_order=True).to_list()
    for row in summary.iter_rows(named=True):
        of_run = (pl.col("run") == row["run"]) & (pl.col("seed") == row["seed"])
        place = runs.index(row["run"])
        look = {"color": SEQUENCE[place], "linestyle": ("-", "--", ":", "-.")[place % 4]}
        values = eigenvalues.filter(of_run).head(row["rank"])
        name = chosen.settings["runs"][row["run"]]["label"]
        ranked.loglog(values["number"], values["eigenvalue_squared_vol"], **look, label=f"{name}, rank {row['rank']}")
        logs = values["eigenvalue_squared_vol"].log10()
        low, high = np.floor(logs.min()), np.ceil(logs.max())
        bins = np.linspace(low, high, int(high - low) * BINS_PER_DECADE + 1)
        counted.hist(logs, bins, histtype="step", linewidth=1.2, **look)
        curve = descent.filter(of_run)
        predicted.loglog(curve["step"], curve["loss_left"], **look)
        seen = row["final_loss_squared_vol"] / row["initial_loss_squared_vol"]
        predicted.plot(row["steps"], seen, "o", color=look["color"], clip_on=False)
    ranked.set(xlabel="number, from the largest", ylabel="eigenvalue (vol²)", title="NTK spectrum")
    counted.set(xlabel="log₁₀ eigenvalue (vol²)", ylabel="eigenvalues", title="distribution above rounding")
    predicted.set(xlabel="step", ylabel="fit loss over that at the start", title="line: linearised, dot: trained")
    predicted.set_ylim(top=1.2)
    plain_log_ticks(predicted.yaxis)
    handles, labels = ranked.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    first = summary.row(0, named=True)
    figure.suptitle(
        f"Neural tangent kernel at initialisation, exact, {first['outputs']} outputs on {first['surfaces']} of "
        f"{first['training_surfaces']} training surfaces\n{data_label(chosen.settings)}"
    )
    save(figure, chosen)


if __name__ == "__main__":
    main()
