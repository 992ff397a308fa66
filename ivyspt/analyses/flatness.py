"""How flat the losses are where a model stands: gradients, Hessian spectra, slices (paper, Flat Local Minima)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from jaxtyping import Float
from torch import Tensor

from ivyspt.analyses.hessian import Hessian, losses_along
from ivyspt.analyses.lanczos import Ritz, density, lanczos, weighted_quantile
from ivyspt.analyses.samples import drawn
from ivyspt.analysis_config import Flatness
from ivyspt.batches.batch import Batch
from ivyspt.batches.surface import Surface
from ivyspt.config import Losses, Masking
from ivyspt.generators import generator_of
from ivyspt.losses.objective import NAMES, objective
from ivyspt.model.ivyspt import IvySPT
from ivyspt.training.sampling import batches

MEASURED = (*NAMES, "objective")
BINS_PER_DECADE = 4  # of the histograms of magnitudes
SMALLEST_MAGNITUDE = 1e-16  # what lies below counts as zero


@dataclass(frozen=True)
class Measured:
    """Tables of what was measured at one model: see `measure`."""

    summary: pl.DataFrame
    magnitudes: pl.DataFrame
    eigenvalues: pl.DataFrame
    slices: pl.DataFrame


def validation_batch(
    surfaces: Sequence[Surface], masking: Masking, targets_per_surface: int | None, settings: Flatness
) -> Batch:
    """A fixed draw of the surfaces under fixed masks, as one float64 batch."""
    generator = generator_of(settings.seed, "flatness")
    chosen = drawn(surfaces, settings.surfaces, generator)
    batch = next(batches(chosen, masking, len(chosen), targets_per_surface, generator))
    return batch.to(torch.device("cpu"), torch.float64)


def losses_of(
    model: IvySPT, batch: Batch, settings: Losses, weights: Float[np.ndarray, "3"], seed: int
) -> Callable[[], Float[Tensor, "4"]]:
    """A function of the model's parameters alone: three losses of a batch and their weighted sum.

    The collocation points are the same at every call.
    """
    mixing = torch.from_numpy(weights).to(batch.market)

    def losses() -> Float[Tensor, "4"]:
        three = objective(model, batch, settings, torch.Generator().manual_seed(seed)).losses
        return torch.cat((three, (mixing * three).sum()[None]))

    return losses


def measure(
    model: IvySPT, batch: Batch, losses: Losses, weights: Float[np.ndarray, "3"], settings: Flatness
) -> Measured:
    """Measure each of the three losses and the objective, their sum under `weights`, over all parameters.

    `summary` has a row a loss: its value, mean, standard deviation and norm of the gradient's entries, and of the
    Hessian the extreme eigenvalues with how far they may be off, the ratio of small to large magnitudes and the stable
    rank. `magnitudes` is a histogram of the gradient's entries, `eigenvalues` the Ritz values of each random start, and
    `slices` the losses along eigenvectors of the objective's Hessian and along a random direction.
    """
    parameters = list(model.parameters())
    evaluate = losses_of(model, batch, losses, weights, settings.seed)
    generator = np.random.default_rng(settings.seed)
    count = sum(parameter.numel() for parameter in parameters)
    starts = generator.choice([-1.0, 1.0], (settings.probes, count))  # Rademacher, least variance (Hutchinson 1990)
    summaries, magnitudes, eigenvalues = [], [], []
    for number, loss in enumerate(MEASURED):
        value = evaluate()[number]
        hessian = Hessian(value, parameters)
        found = [lanczos(hessian, start, settings.lanczos_steps) for start in starts]
        summaries.append({"loss": loss, "value": value.item()} | _summary(hessian.gradient, found, settings))
        magnitudes += [{"loss": loss, **row} for row in _histogram(np.abs(hessian.gradient))]
        eigenvalues += [{"loss": loss, **row} for row in _ritz_rows(found, count)]
    directions = _directions(found[0], starts[0])
    slices = [
        {"direction": name, **row}
        for name, direction in directions.items()
        for row in _slice(evaluate, hessian, direction, settings)
    ]
    return Measured(*(pl.DataFrame(rows) for rows in (summaries, magnitudes, eigenvalues, slices)))


def _summary(gradient: np.ndarray, found: list[Ritz], settings: Flatness) -> dict[str, float | int]:
    entries = np.abs(gradient)
    top = max(found, key=lambda ritz: ritz.values[-1])
    bottom = min(found, key=lambda ritz: ritz.values[0])
    values = np.concatenate([ritz.values for ritz in found])
    weights = np.concatenate([density(ritz, len(gradient)) for ritz in found]) / len(found)
    small, large = (weighted_quantile(np.abs(values), weights, share) for share in settings.ratio_quantiles)
    greatest = max(np.abs(values).max(), np.finfo(float).tiny)
    return {
        "parameters": len(gradient),
        "gradient_mean": float(entries.mean()),
        "gradient_std": float(entries.std()),
        "gradient_norm": float(np.linalg.norm(gradient)),
        "largest": float(top.values[-1]),
        "largest_within": float(top.residuals[-1]),
        "smallest": float(bottom.values[0]),
        "smallest_within": float(bottom.residuals[0]),
        "trace": float(len(gradient) * weights @ values),
        "small_magnitude": small,
        "large_magnitude": large,
        "small_to_large": small / large if large > 0 else 1.0,
        "stable_rank": float(len(gradient) * weights @ (values / greatest) ** 2),
    }


def _histogram(entries: np.ndarray) -> list[dict[str, float | int]]:
    """How many magnitudes lie in each bin of their common logarithm; zeros are counted without a bin."""
    positive = np.log10(entries[entries > SMALLEST_MAGNITUDE])
    rows = [{"log10_from": None, "log10_to": None, "entries": int(len(entries) - len(positive))}]
    if len(positive):
        low, high = np.floor(positive.min()), np.ceil(positive.max())
        edges = np.linspace(low, max(high, low + 1), int(max(high - low, 1)) * BINS_PER_DECADE + 1)
        counts, _ = np.histogram(positive, edges)
        rows += [
            {"log10_from": float(a), "log10_to": float(b), "entries": int(n)}
            for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
        ]
    return rows


def _ritz_rows(found: list[Ritz], count: int) -> list[dict[str, float | int]]:
    return [
        {"probe": probe, "eigenvalue": float(value), "weight": float(weight), "within": float(residual)}
        for probe, ritz in enumerate(found)
        for value, weight, residual in zip(ritz.values, density(ritz, count), ritz.residuals, strict=True)
    ]


def _directions(ritz: Ritz, random: np.ndarray) -> dict[str, np.ndarray]:
    """Unit vectors: along the two largest eigenvalues, along the smallest, and at random."""
    chosen = {"largest": ritz.vectors[:, -1], "smallest": ritz.vectors[:, 0]}
    if len(ritz.values) > 2:
        chosen["second largest"] = ritz.vectors[:, -2]
    return chosen | {"random": random / np.linalg.norm(random)}


def _slice(evaluate, hessian: Hessian, direction: np.ndarray, settings: Flatness) -> list[dict[str, float | str]]:
    """The losses along a direction, and the parabola that slope and curvature at the model predict of the objective."""
    distances = np.linspace(-settings.slice_radius, settings.slice_radius, settings.slice_points)
    table = losses_along(evaluate, hessian.parameters, direction, distances)
    curvature = float(direction @ hessian(direction))
    here = evaluate()[-1].item()
    parabola = here + distances * float(hessian.gradient @ direction) + distances**2 * curvature / 2
    columns = dict(zip(MEASURED, table.T, strict=True)) | {"parabola": parabola}
    return [
        {"curvature": curvature, "distance": float(distance), "loss": loss, "value": float(value)}
        for loss, values in columns.items()
        for distance, value in zip(distances, values, strict=True)
    ]
