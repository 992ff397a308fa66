"""The one table that every method writes and all evaluation reads."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import polars.selectors as cs

from ivyspt.arbitrage import durrleman_g
from ivyspt.baselines.tuning import complete_many
from ivyspt.columns import PREDICTIONS, check
from ivyspt.completion import Completion, Context, Method, interval_columns
from ivyspt.config import Evaluation
from ivyspt.evaluation.audit_grid import Grid, audit_grid
from ivyspt.evaluation.hull import inside_hull
from ivyspt.evaluation.tasks import Task, drawn

DERIVATIVES = ("w_k", "w_kk", "w_tau")


def predict_surfaces(
    method: Method, tasks: Sequence[Task], evaluation: Evaluation, run: str, seed: int, audit_seed: int
) -> pl.DataFrame:
    """Answers of a fitted method at the targets of every task and, for some surfaces, on the audit grid.

    Parameters
    ----------
    method : Method
        Fitted already.
    tasks : sequence of Task
        Surfaces under masks, from `ivyspt.evaluation.tasks.masked_surfaces`.
    evaluation : Evaluation
        The audit grid, the masks under which it is asked, and for how many surfaces of each tier.
    run : str
        The method's name, written into the table.
    seed : int
        The method's seed, written into the table.
    audit_seed : int
        Draws the audited surfaces; the same for every method of a study.

    Returns
    -------
    A PREDICTIONS table. Where the method gave no finite positive vol, everything fitted is null; where it has no
    derivatives, they and Durrleman's g are null.
    """
    frames = []
    for mask in dict.fromkeys(task.mask for task in tasks):
        of_mask = [task for task in tasks if task.mask == mask]
        judged = evaluation.audit_masks is None or mask in evaluation.audit_masks
        chosen = _audited(of_mask, evaluation.audit_surfaces, audit_seed) if judged else set()
        grids = [audit_grid(t.context, evaluation) if t.context.surface_id in chosen else None for t in of_mask]
        frames += _rows(method, of_mask, grids)
    table = pl.concat(frames, how="diagonal").with_columns(run=pl.lit(run), seed=pl.lit(seed))
    return check(table.with_columns(cs.float().fill_nan(None)), PREDICTIONS, f"predictions of {run}, seed {seed}")


def _audited(tasks: Sequence[Task], count: int, seed: int) -> set[str]:
    """The surfaces that are drawn for the audit: `count` of each tier."""
    tiers = {task.tier for task in tasks}
    return {i for tier in tiers for i in drawn((t.context.surface_id for t in tasks if t.tier == tier), count, seed)}


def _rows(method: Method, tasks: Sequence[Task], grids: Sequence[Grid | None]) -> list[pl.DataFrame]:
    """Rows of the tasks of one mask; targets and audit nodes are asked together, so that one fit serves both."""
    contexts = [task.context for task in tasks]
    asked = [(task.asked.log_moneyness, task.asked.time_to_maturity) for task in tasks]
    answers = complete_many(method, contexts, [_with_nodes(*each) for each in zip(asked, grids, strict=True)])
    smooth = [i for i, grid in enumerate(grids) if grid is not None and answers[i].w_k is not None]
    around = complete_many(
        method, [contexts[i] for i in smooth], [grids[i].stencil() for i in smooth], derivatives=False
    )
    differences = {i: _differences(grids[i], answer) for i, answer in zip(smooth, around, strict=True)}
    frames = []
    for i, (task, grid, answer) in enumerate(zip(tasks, grids, answers, strict=True)):
        targets, nodes = _divided(answer, len(asked[i][0]))
        quoted = {name: task.targets[name] for name in ("point", "implied_vol_bid", "implied_vol", "implied_vol_ask")}
        frames.append(_labelled(task, "target", quoted | _answered(task.context, asked[i], targets)))
        if grid is not None:
            place = (grid.log_moneyness, grid.time_to_maturity)
            columns = {"point": np.arange(len(place[0]), dtype=np.uint32), **_answered(task.context, place, nodes)}
            frames.append(_labelled(task, "audit", columns | differences.get(i, {})))
    return frames


def _with_nodes(points: tuple[np.ndarray, np.ndarray], grid: Grid | None) -> tuple[np.ndarray, np.ndarray]:
    if grid is None:
        return points
    return np.concatenate([points[0], grid.log_moneyness]), np.concatenate([points[1], grid.time_to_maturity])


def _divided(answer: Completion, first: int) -> tuple[Completion, Completion]:
    """The answers at the `first` points and at the rest."""
    columns = [getattr(answer, name) for name in ("implied_vol", *DERIVATIVES)]
    intervals = answer.intervals or {}
    return tuple(
        Completion(
            *(None if each is None else each[part] for each in columns),
            {level: (low[part], high[part]) for level, (low, high) in intervals.items()} or None,
        )
        for part in (slice(None, first), slice(first, None))
    )


def _differences(grid: Grid, answer: Completion) -> dict[str, np.ndarray]:
    _, tau = grid.stencil()
    values = grid.differences(np.asarray(answer.implied_vol, np.float64) ** 2 * tau)
    return dict(zip((f"{name}_difference" for name in DERIVATIVES), values, strict=True))


def _answered(context: Context, points: tuple[np.ndarray, np.ndarray], answer: Completion) -> dict[str, np.ndarray]:
    """Columns of a method's answer; NaN where it has none."""
    k, tau = points
    vol = np.asarray(answer.implied_vol, np.float64)
    vol = np.where(np.isfinite(vol) & (vol > 0), vol, np.nan)
    w = vol**2 * tau
    own = {}
    for name in DERIVATIVES:
        values = getattr(answer, name)
        values = np.full_like(w, np.nan) if values is None else np.asarray(values, np.float64)
        own[name] = np.where(np.isfinite(w) & np.isfinite(values), values, np.nan)
    return {
        "log_moneyness": k,
        "time_to_maturity": tau,
        "implied_vol_fitted": vol,
        **interval_columns(answer.intervals or {}),
        "total_variance": w,
        **own,
        "durrleman_g": durrleman_g(k, w, own["w_k"], own["w_kk"]),
        "inside_hull": inside_hull(context, k, tau),
    }


def _labelled(task: Task, kind: str, columns: dict) -> pl.DataFrame:
    return pl.DataFrame(columns).with_columns(
        mask=pl.lit(task.mask),
        surface_id=pl.lit(task.context.surface_id),
        symbol=pl.lit(task.context.symbol),
        tier=pl.lit(task.tier),
        quote_time=pl.lit(task.targets["quote_time"][0]),
        set=pl.lit(kind),
    )
