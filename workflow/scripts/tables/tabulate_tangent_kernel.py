"""Numbers of the tangent kernel's spectrum at initialisation, and what they say of the training seen."""

from math import floor, log10

import polars as pl

from workflow.scripts.tables.typesetting import escape, number, options, percent, source, table, write

HEADER = (
    "run",
    "outputs",
    "parameters",
    r"$\lambda_1$",
    r"$\lambda_n / \lambda_1$",
    "rank",
    "condition",
    "steps",
    r"left, predicted (\%)",
    r"left, seen (\%)",
)
CLOSE = 1.25  # ratio within which what was seen counts as what was predicted


def power_of_ten(value: float) -> str:
    """The order of magnitude of a large number."""
    return rf"$10^{{{floor(log10(value))}}}$"


def reading(label: str, row: dict, seen: float) -> str:
    """What one spectrum says of the training that followed."""
    text = f"{label}: {row['rank']} of {row['outputs']} eigenvalues exceed rounding"
    if row["rank"] < row["outputs"]:
        text += ", so that errors along the other directions do not fall while the kernel is that of the start"
    text += (
        f"; of those that do, the slowest direction is learnt some {power_of_ten(row['condition_number'])} times more "
        f"slowly than the fastest. Training left {percent(seen)}\\,\\% of the loss where the kernel leaves "
        f"{percent(row['loss_left'])}\\,\\%: "
    )
    if seen * CLOSE < row["loss_left"]:
        return text + "it went further than the start's kernel allows, so that the kernel changed on the way. "
    if seen > CLOSE * row["loss_left"]:
        return text + "it was slower than gradient descent with that kernel. "
    return text + "as fast as the start's kernel allows. "


def main() -> None:
    """Typeset."""
    chosen = options(__doc__, "summary")
    rows, readings = [], []
    for path in chosen.summary:
        row = pl.read_parquet(path).row(0, named=True)
        label = escape(chosen.settings["runs"][row["run"]]["label"])
        seen = row["final_loss_squared_vol"] / row["initial_loss_squared_vol"]
        rows.append(
            (
                label,
                str(row["outputs"]),
                f"{row['parameters']:,}",
                number(row["largest_squared_vol"]),
                number(row["smallest_squared_vol"] / row["largest_squared_vol"], 2),
                str(row["rank"]),
                power_of_ten(row["condition_number"]),
                str(row["steps"]),
                percent(row["loss_left"]),
                percent(seen),
            )
        )
        readings.append(reading(label, row, seen))
    first = pl.read_parquet(chosen.summary[0]).row(0, named=True)
    cap = chosen.settings["tangent_kernel"]["max_outputs"]
    caption = (
        f"Neural tangent kernel at initialisation: exact Gram matrix of the implied vols hidden by masks on "
        f"{first['surfaces']} of {first['training_surfaces']} training surfaces, at most {cap} of them, its gradients "
        f"taken in blocks of {first['memory_mebibytes']:g} MiB. Rank and condition number count eigenvalues above "
        "rounding. Left: share of the fit loss at the start that remains after the steps of pre-training, predicted by "
        "full-batch gradient descent on the linearised model at the largest step without overshooting, and seen on the "
        f"same outputs with the trained weights. {''.join(readings)}"
    )
    write(table(caption + source(chosen.settings), "tangent-kernel", HEADER, {"": rows}), chosen.tex)


if __name__ == "__main__":
    main()
