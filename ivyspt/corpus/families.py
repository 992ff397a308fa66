"""Surfaces of several families in one batch, with the events that they may have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from ivyspt.columns import DataError
from ivyspt.corpus.draws import choose
from ivyspt.corpus.essvi import draw_essvi
from ivyspt.corpus.events import Jumps
from ivyspt.corpus.tables import Tables, joined
from ivyspt.corpus_config import Corpus

SPARE = 1.05  # rounding to listed strikes stays within reach


class Surfaces(Protocol):
    """Several surfaces of one family."""

    def total_variance(
        self, log_moneyness: Float[Tensor, "surface point"], time_to_maturity: Float[Tensor, "surface point"]
    ) -> Float[Tensor, "surface point"]:
        """Total variance at points of each surface, in double precision."""
        ...

    def reach(self, time_to_maturity: Float[Tensor, "surface point"]) -> Float[Tensor, "surface point"]:
        """Largest |k| of a maturity at which a surface may be asked."""
        ...


class Pool(Protocol):
    """Surfaces of one family that were drawn beforehand."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def draw(self, count: int, generator: Generator) -> Surfaces:
        """Some of them at random."""
        ...


@dataclass(frozen=True)
class Mixture:
    """Surfaces of several families: `rows[i]` says which of the batch are `parts[i]`."""

    rows: list[Int[Tensor, " part"]]
    parts: list[Surfaces]
    jumps: Jumps | None = None

    def total_variance(
        self, log_moneyness: Float[Tensor, "surface point"], time_to_maturity: Float[Tensor, "surface point"]
    ) -> Float[Tensor, "surface point"]:
        """Total variance of each surface at its points, events included."""
        w = torch.empty_like(log_moneyness)
        for rows, part in zip(self.rows, self.parts, strict=True):
            w[rows] = part.total_variance(log_moneyness[rows], time_to_maturity[rows])
        return w if self.jumps is None else w + self.jumps.added_variance(time_to_maturity)

    def at_the_money(self, time_to_maturity: Float[Tensor, "surface point"]) -> Float[Tensor, "surface point"]:
        """Total variance at log-moneyness 0."""
        return self.total_variance(torch.zeros_like(time_to_maturity), time_to_maturity)

    def unit(
        self,
        time_to_maturity: Float[Tensor, "surface point"],
        at_the_money: Float[Tensor, "surface point"],
        max_z: float,
    ) -> Float[Tensor, "surface point"]:
        """Standard deviation at the money in which places are drawn, or less where `max_z` of it were out of reach."""
        reach = torch.empty_like(time_to_maturity)
        for rows, part in zip(self.rows, self.parts, strict=True):
            reach[rows] = part.reach(time_to_maturity[rows])
        return torch.minimum(at_the_money.sqrt(), reach / (SPARE * max_z))


def draw_families(
    count: int, corpus: Corpus, pools: Mapping[str, Pool], generator: Generator
) -> tuple[Int[Tensor, " surface"], Mixture]:
    """Draw surfaces from eSSVI and from the pools that there are.

    Returns
    -------
    family : tensor
        Of each surface, its position in `corpus.families`.
    surfaces : Mixture
        Without events.

    Raises
    ------
    DataError
        No family with a share can be drawn.
    """
    names = list(corpus.families)
    shares = {name: share if name == "essvi" or name in pools else 0.0 for name, share in corpus.families.items()}
    if not sum(shares.values()):
        raise DataError(f"families must name essvi or one that has a pool, got {names} and the pools {list(pools)}")
    family = choose(shares, count, generator)
    rows = [(family == position).nonzero()[:, 0] for position in range(len(names))]
    parts = [
        _part(name, len(chosen), corpus, pools, generator)
        for name, chosen in zip(names, rows, strict=True)
        if len(chosen)
    ]
    return family, _with_one_table([chosen for chosen in rows if len(chosen)], parts)


def _with_one_table(rows: list[Tensor], parts: list[Surfaces]) -> Mixture:
    """Tables of one shape become one part, which is evaluated at once."""
    alike: dict[tuple, list[int]] = {}
    for position, part in enumerate(parts):
        key = (part.domain, part.coefficients.shape[1:]) if isinstance(part, Tables) else (position,)
        alike.setdefault(key, []).append(position)
    groups = alike.values()
    return Mixture(
        [torch.cat([rows[position] for position in group]) for group in groups],
        [parts[group[0]] if len(group) == 1 else joined([parts[position] for position in group]) for group in groups],
    )


def _part(name: str, count: int, corpus: Corpus, pools: Mapping[str, Pool], generator: Generator) -> Surfaces:
    if name == "essvi":
        return draw_essvi(count, corpus.essvi, generator)
    return pools[name].draw(count, generator)
