"""Answers of the flagship by the network that was trained: the reference of `ivyspt.inference`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ivyspt.mixture.answers import Answer, Quoted
from ivyspt.mixture.essvi_slices import EssviSlices
from ivyspt.mixture.latent import Components, MixtureSurface
from ivyspt.mixture.network import Fitted, FlagshipNetwork
from ivyspt.mixture.price_mixture import Mixed, slope_in_k
from ivyspt.mixture.quotes import Quotes
from ivyspt.mixture.typical import LARGEST_CONTEXT

LARGEST_PASS = 60_000  # points of one pass, to bound its memory
PAIRS_A_POINT = 200  # pairs of quotes, of which attention makes a table, that take the memory of one point
MOST_SURFACES = 96  # of one pass: the last steps of a fit are for few of them, and take as long


@dataclass(frozen=True)
class Derivatives:
    """Total variance, its derivatives and Durrleman's g at targets, (batch, target) each; exact."""

    w: Tensor
    w_k: Tensor
    w_kk: Tensor
    w_tau: Tensor
    durrleman_g: Tensor


def derivatives(surface: MixtureSurface, k: Tensor, tau: Tensor, components: Components, mixed: Mixed) -> Derivatives:
    """Differentiate surfaces; g and w_tau are sums of non-negative terms."""
    slices, w = components.slices, mixed.w
    w_tau = (mixed.shares * surface.growth(components)).sum(1) / tau
    g = (mixed.shares * _durrleman_g(k[:, None], slices)).sum(1)
    w_k = slope_in_k(k, w, slices.w, slices.w_k, mixed.shares, surface.log_weights())
    w_kk = 2 * (g - (1 - k * w_k / (2 * w)).square() + w_k.square() / 4 * (1 / w + 0.25))
    return Derivatives(w, w_k, w_kk, w_tau, g)


def _durrleman_g(k: Tensor, s: EssviSlices) -> Tensor:
    return (1 - k * s.w_k / (2 * s.w)).square() - s.w_k.square() / 4 * (1 / s.w + 0.25) + s.w_kk / 2


def answer(
    network: FlagshipNetwork, quoted: Sequence[Quoted], asked: Sequence[tuple], run: Callable = map
) -> list[Answer]:
    """Complete each surface at its (log_moneyness, time_to_maturity); company and padding change no answer.

    `run` is `map` or one like it that shares passes out, to threads say; how many there are changes no answer either.
    """

    def one_pass(chosen: list[int]) -> list[np.ndarray]:
        k, tau = (_padded([asked[i][part] for i in chosen]) for part in (0, 1))
        with torch.no_grad():
            return [each.numpy() for each in _at_targets(network(collate([quoted[i] for i in chosen])), k, tau)]

    answers: list[Answer | None] = [None] * len(quoted)
    knots = [network.settings.knots_for(len(each.thinned().log_moneyness)) for each in quoted]
    passes = list(_passes(quoted, asked, knots))
    for chosen, columns in zip(passes, run(one_pass, passes), strict=True):
        for row, i in enumerate(chosen):
            answers[i] = Answer(*(each[row, : len(asked[i][0])] for each in columns))
    return answers


def _at_targets(fitted: Fitted, k: Tensor, tau: Tensor) -> tuple[Tensor, ...]:
    """Columns of an `Answer`, (batch, target) each."""
    surface = fitted.posterior.surface
    components = surface.components(k, surface.frame.basis(tau.log()))
    mixed = surface.mixed(k, components)
    found = derivatives(surface, k, tau, components, mixed)
    scale = fitted.scale_of(fitted.log_vol_variance(components, mixed))
    return (found.w / tau).sqrt(), found.w, found.w_k, found.w_kk, found.w_tau, found.durrleman_g, scale


def collate(quoted: Sequence[Quoted]) -> Quotes:
    """Pad surfaces to the longest; padded columns repeat the first quote."""
    quoted = [each.thinned() for each in quoted]
    present = torch.zeros(len(quoted), max(len(each.log_moneyness) for each in quoted), dtype=torch.bool)
    for row, each in enumerate(quoted):
        present[row, : len(each.log_moneyness)] = True
    names = ("log_moneyness", "time_to_maturity", "implied_vol", "half_spread")
    columns = [_padded([getattr(each, name) for each in quoted]).float() for name in names]
    market = torch.from_numpy(np.stack([each.market for each in quoted])).float()
    kind = torch.tensor([[each.kind_number] for each in quoted])
    return Quotes(*columns, present, market, kind)


def _padded(rows: Sequence[np.ndarray]) -> Tensor:
    table = np.empty((len(rows), max(len(row) for row in rows)))
    for number, row in enumerate(rows):
        table[number, : len(row)] = row
        table[number, len(row) :] = row[0]
    return torch.from_numpy(table)


def _passes(quoted: Sequence[Quoted], asked: Sequence[tuple], knots: Sequence[int]) -> Iterator[list[int]]:
    """Indices of surfaces of like size and as many knots, few enough for one pass."""
    order = sorted(range(len(quoted)), key=lambda i: (knots[i], len(asked[i][0]), len(quoted[i].implied_vol)))
    chunk: list[int] = []
    for i in order:
        read = max(min(len(quoted[j].implied_vol), LARGEST_CONTEXT) for j in [*chunk, i])
        points = max(len(asked[i][0]), read, read * read // PAIRS_A_POINT)
        full = len(chunk) == MOST_SURFACES or points * (len(chunk) + 1) > LARGEST_PASS
        if chunk and (full or knots[i] != knots[chunk[0]]):
            yield chunk
            chunk = []
        chunk.append(i)
    if chunk:
        yield chunk
