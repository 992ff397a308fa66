"""Gradients and Hessian spectra where training starts and ends, and what they mean."""

import polars as pl

from workflow.scripts.losses import STATES, SYMBOLS
from workflow.scripts.tables.typesetting import escape, number, options, source, table, write

HEADER = (
    "loss",
    "value",
    r"mean $|g_i|$",
    r"sd $|g_i|$",
    r"$\lambda_{\max}$",
    r"$\lambda_{\min}$",
    "small / large",
    "stable rank",
)
NEGATIVE = 0.01  # of the largest eigenvalue; a more negative smallest one is a direction of descent, not rounding

RISE = 0.1  # of the objective


def within(value: float, distance: float) -> str:
    """An eigenvalue, with how far it may be off where that shows in two digits."""
    return number(value) + (rf" $\pm$ {number(distance, 2)}" if distance > 0.005 * abs(value) else "")


def row(measured: dict) -> tuple[str, ...]:
    """A loss: its value, gradient and spectrum."""
    return (
        SYMBOLS[measured["loss"]],
        number(measured["value"]),
        number(measured["gradient_mean"]),
        number(measured["gradient_std"]),
        within(measured["largest"], measured["largest_within"]),
        within(measured["smallest"], measured["smallest_within"]),
        number(measured["small_to_large"], 2),
        number(measured["stable_rank"], 2),
    )


def implications(summary: pl.DataFrame) -> str:
    """What the objective's numbers allow to be said: no more than that."""
    objective = {row["state"]: row for row in summary.filter(pl.col("loss") == "objective").iter_rows(named=True)}
    last = objective[[state for state in STATES if state in objective][-1]]
    share = -last["smallest"] / last["largest"] if last["largest"] > 0 else float("inf")
    if share > NEGATIVE:
        kind = (
            f"The end is no minimum: the objective's Hessian has an eigenvalue of {number(last['smallest'])}, "
            f"{number(share, 2)} of the largest one in size, along which the objective falls further. "
        )
    else:
        kind = "No eigenvalue of the objective's Hessian at the end is clearly negative. "
    rise = 2 * RISE * last["value"]
    step = (rise / last["largest"]) ** 0.5 if last["largest"] > 0 else None
    anywhere = (rise * last["parameters"] / last["trace"]) ** 0.5 if last["trace"] > 0 else None
    sharp = (
        f"The squares of its eigenvalues sum to {number(last['stable_rank'])} times that of the largest, among "
        f"{last['parameters']:,}: it is sharp in few directions and flat in the others. A step of {number(step)} "
        f"along the sharpest adds a tenth of the objective by curvature alone; at random it takes {number(anywhere)}. "
        "Small errors of all parameters together are thus forgiven, and those along a few directions are not. "
    )
    compared = ""
    if "initial" in objective and last["state"] == "pretrain":
        ratio = last["largest"] / objective["initial"]["largest"]
        compared = f"The largest eigenvalue at the end is {number(ratio, 2)} times that at initialisation. "
    return kind + sharp + compared


def main() -> None:
    """Typeset."""
    chosen = options(__doc__, "summary")
    summary = pl.concat([pl.read_parquet(path) for path in chosen.summary])
    first = summary.filter(pl.col("seed") == summary["seed"].min())
    blocks = {}
    for state, name in STATES.items():
        rows = first.filter(pl.col("state") == state)
        if rows.height:
            title = f"{name}, {rows['surfaces'][0]} validation surfaces of the {rows['tier'][0]} tier"
            blocks[escape(title)] = [row(measured) for measured in rows.iter_rows(named=True)]
    settings = chosen.settings["flatness"]
    low, high = settings["ratio_quantiles"]
    caption = (
        f"Gradients $g$ and Hessians over all {first['parameters'][0]:,} parameters, seed {first['seed'][0]}: extreme "
        f"eigenvalues by {settings['lanczos_steps']} steps of Lanczos from each random vector ({settings['probes']}) "
        r"($\pm$: a true eigenvalue lies within), ratio of small to large as quantiles of $|\lambda|$ "
        f"({low:g} over {high:g}; what Lanczos does not resolve counts as its nearest value, so that the ratio is no "
        r"finer than that), and stable rank $\sum\lambda_i^2/\max\lambda_i^2$. Curvature depends on how the model is "
        f"parametrised, so that only states of one model compare. {implications(first)}"
    )
    write(table(caption + source(chosen.settings), "flatness", HEADER, blocks), chosen.tex)


if __name__ == "__main__":
    main()
