"""How far the answers hang on the market: exact derivatives, and features permuted over days as the null.

The derivative is a partial one: the context's points stay where they are, so for the mean and the standard deviation
of the visible vols it is the part that passes through the market's tokens alone. The statistics of the batch
normalisation are constants, and the chain rule carries 1 / std of each feature.

[1] Breiman, L. (2001). Random forests. Machine Learning 45, 5-32: permuted inputs as a measure of importance.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
import torch
from jaxtyping import Float
from torch import Tensor

from ivyspt.analyses.judged import batches, require_function
from ivyspt.analysis_config import Sensitivity
from ivyspt.batches.batch import Batch
from ivyspt.evaluation.metrics import VOL_POINTS
from ivyspt.evaluation.tasks import Task
from ivyspt.generators import generator_of
from ivyspt.model.encoder import Attended
from ivyspt.model.ivyspt import IvySPT
from ivyspt.model.market import FEATURES

TOGETHER = "all"  # the five features, each surface's permuted as one


def feature_derivatives(model: IvySPT, batch: Batch) -> Float[Tensor, "batch target feature"]:
    """∂σ/∂feature at each target, vol per unit of the feature (decimals all).

    NaN where the feature is unknown, or where the vol is zero and has no derivative. By forward differentiation
    along each feature, so that each target has a derivative of its own.

    Raises
    ------
    DataError
        Targets attend to one another.
    """
    require_function(model)
    features = model.features(batch)

    def answer(values: Tensor) -> Tensor:
        return model(batch, features=values).implied_vol

    def along(tangent: Tensor) -> Tensor:
        return torch.func.jvp(answer, (features,), (tangent,))[1]

    tangents = torch.eye(features.shape[1]).to(features)[:, None, :].expand(-1, *features.shape)
    found = torch.func.vmap(along, out_dims=-1)(tangents)
    return found.detach().masked_fill(features.isnan()[:, None, :], torch.nan)


def derivative_table(model: IvySPT, tasks: Sequence[Task]) -> pl.DataFrame:
    """One row a target and feature.

    Returns
    -------
    tier, mask, surface_id, symbol, date, point, log_moneyness, time_to_maturity, feature, feature_value (decimal) and
    derivative (vol per unit of the feature); null where they are NaN.
    """
    tables = []
    for places, batch in batches([(task.context, task.asked) for task in tasks], model):
        found, features = feature_derivatives(model, batch).cpu().numpy(), model.features(batch).cpu().numpy()
        for row, place in enumerate(places):
            targets = tasks[place].targets
            own = _named(tasks[place]).select("tier", "mask", "surface_id", "symbol", "date", *_AT)
            tables += [
                own.with_columns(
                    feature=pl.lit(name),
                    feature_value=pl.lit(float(features[row, number])),
                    derivative=pl.Series(found[row, : targets.height, number].astype(float)),
                )
                for number, name in enumerate(FEATURES)
            ]
    return pl.concat(tables).with_columns(pl.col("feature_value", "derivative").fill_nan(None))


_AT = ("point", "log_moneyness", "time_to_maturity")


def _named(task: Task) -> pl.DataFrame:
    return task.targets.with_columns(pl.lit(task.mask).alias("mask"), pl.col("quote_time").dt.date().alias("date"))


def permutation_table(model: IvySPT, tasks: Sequence[Task], sensitivity: Sensitivity) -> pl.DataFrame:
    """What becomes of answers and errors when a feature comes from another day of the same symbol [1].

    Returns
    -------
    One row a surface, feature (or `all` of them together) and repeat: tier, mask, surface_id, date, feature, repeat,
    targets; mean_absolute_change_vol_points of the answers; rmse_vol_points and rmse_permuted_vol_points.
    """
    in_batches = list(batches([(task.context, task.asked) for task in tasks], model))
    own = torch.empty(len(tasks), len(FEATURES), dtype=next(model.parameters()).dtype)
    for places, batch in in_batches:
        own[places] = model.features(batch).detach().cpu()
    names, variants = [], [own]
    for repeat in range(sensitivity.permutations):
        donors = donor_surfaces(tasks, sensitivity.seed, repeat)
        for name in (*FEATURES, TOGETHER):
            moved = own.clone()
            columns = slice(None) if name == TOGETHER else FEATURES.index(name)
            moved[:, columns] = own[donors][:, columns]
            names.append((name, repeat))
            variants.append(moved)
    rows = []
    for task, (plain, *others) in zip(tasks, _answers(model, in_batches, torch.stack(variants)), strict=True):
        rows += [
            (*_key(task), *name, *_effect(task.asked.implied_vol, plain, other))
            for name, other in zip(names, others, strict=True)
        ]
    return pl.DataFrame(rows, schema=_EFFECTS, orient="row")


_EFFECTS = {
    **{"tier": pl.String, "mask": pl.String, "surface_id": pl.String, "date": pl.Date},
    **{"feature": pl.String, "repeat": pl.UInt32, "targets": pl.UInt32},
    **dict.fromkeys(("mean_absolute_change_vol_points", "rmse_vol_points", "rmse_permuted_vol_points"), pl.Float64),
}


def _key(task: Task) -> tuple:
    return task.tier, task.mask, task.context.surface_id, task.targets["quote_time"][0].date()


def _answers(
    model: IvySPT, in_batches: Sequence[tuple[list[int], Batch]], variants: Float[Tensor, "variant task feature"]
) -> list[np.ndarray]:
    """Vols of each task, (variant, target), under each variant of the raw features."""
    answers: list[np.ndarray] = [np.empty(0)] * variants.shape[1]
    for places, batch in in_batches:

        def answer(features: Tensor, batch: Batch = batch) -> Tensor:
            return model(batch, features=features).implied_vol

        # what does not hang on the features is computed once for all variants
        with torch.no_grad():
            vols = torch.func.vmap(answer)(variants[:, places].to(batch.market.device)).double().cpu().numpy()
        for row, place in enumerate(places):
            answers[place] = vols[:, row, batch.asked[row].cpu().numpy()]
    return answers


def _effect(quoted: np.ndarray, own: np.ndarray, other: np.ndarray) -> tuple[int, float, float, float]:
    errors = (np.sqrt(np.mean((answer - quoted) ** 2)) for answer in (own, other))
    return len(quoted), *(VOL_POINTS * float(each) for each in (np.abs(other - own).mean(), *errors))


def donor_surfaces(tasks: Sequence[Task], seed: int, repeat: int) -> np.ndarray:
    """For each task, the one whose features it is given: of the same symbol and mask, on a day drawn at random.

    Symbols with the same number of days are permuted alike.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for place, task in enumerate(tasks):
        groups.setdefault((task.mask, task.context.symbol), []).append(place)
    donors = np.empty(len(tasks), dtype=np.int64)
    for places in groups.values():
        by_day = np.array(sorted(places, key=lambda place: tasks[place].targets["quote_time"][0]))
        generator = generator_of(seed, "permuted features", str(repeat), str(len(by_day)))
        donors[by_day] = by_day[generator.permutation(len(by_day))]
    return donors


def market_weights(attended: Attended, asked: Tensor) -> Tensor | None:
    """1 - gate, mean over features: the weight of the market in a block at each target that is asked, flat."""
    return None if attended.gate is None else (1 - attended.gate).mean(-1)[asked]


def gate_table(model: IvySPT, tasks: Sequence[Task]) -> pl.DataFrame:
    """How far the path from the market is open: one row a block, none for a model without a gate.

    Returns
    -------
    tier, mask, block (from 1), targets, and market_weight_mean, market_weight_std and market_weight_max over targets:
    0 is closed.
    """
    shares: dict[int, list[Tensor]] = {}
    with torch.no_grad():
        for _, batch in batches([(task.context, task.asked) for task in tasks], model):
            for block, attended in enumerate(model(batch).attended, 1):
                own = market_weights(attended, batch.asked)
                if own is not None:
                    shares.setdefault(block, []).append(own)
    rows = []
    for block, parts in shares.items():
        every = torch.cat(parts).double()
        of_block = (block, len(every), every.mean().item(), every.std().item(), every.max().item())
        rows.append((tasks[0].tier, tasks[0].mask, *of_block))
    schema = {"tier": pl.String, "mask": pl.String, "block": pl.UInt32, "targets": pl.UInt32}
    schema |= {f"market_weight_{name}": pl.Float64 for name in ("mean", "std", "max")}
    return pl.DataFrame(rows, schema=schema, orient="row")
