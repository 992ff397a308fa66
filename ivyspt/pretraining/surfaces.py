"""Real surfaces in memory, and batches of them under the corpus's patterns of missing quotes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

from ivyspt.columns import DataError
from ivyspt.completion import Context, Targets
from ivyspt.corpus.clouds import Cloud
from ivyspt.corpus.contexts import shown_and_held_out
from ivyspt.corpus_config import Contexts
from ivyspt.flagship_config import KIND_SHOWN, QUOTE_KINDS
from ivyspt.mixture.quotes import MARKET, Quotes

LARGEST = 600  # points of a surface that a visit chooses from, drawn afresh each time


@dataclass(frozen=True)
class Shown:
    """Shares of the visits that show what is known of a surface beside its vols."""

    market: float = 0.7
    spread: float = 0.5  # bid and ask
    kind: float = KIND_SHOWN  # of quotes


TRAINING = Shown()
ALWAYS = Shown(1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Asked:
    """What a step asks: targets, their vol, and which columns hold one."""

    log_moneyness: Float[Tensor, "batch target"]
    time_to_maturity: Float[Tensor, "batch target"]
    implied_vol: Float[Tensor, "batch target"]
    wanted: Bool[Tensor, "batch target"]


class RealSurfaces:
    """Surfaces of a points table, one after the other in flat arrays; without `market` its features stay unknown.

    `kind` is that of all its quotes, None where it is unknown; `shown` says how often a visit tells.
    """

    def __init__(
        self,
        points: pl.DataFrame,
        market_features: pl.DataFrame,
        market: bool = True,
        kind: str | None = None,
        shown: Shown = TRAINING,
    ):
        points = points.sort("surface_id", "point")
        sizes = points.group_by("surface_id", maintain_order=True).agg(pl.len())
        self.ids = sizes["surface_id"].to_list()
        if not self.ids:
            raise DataError("real surfaces: there must be at least one training surface, got none")
        self.sizes = torch.from_numpy(sizes["len"].to_numpy().astype(np.int64))
        self.starts = self.sizes.cumsum(0) - self.sizes
        columns = ("log_moneyness", "time_to_maturity", "implied_vol", "implied_vol_bid", "implied_vol_ask")
        k, tau, vol, bid, ask = (points[name].cast(pl.Float32).fill_null(float("nan")).to_torch() for name in columns)
        self.k, self.tau, self.vol, self.half_spread = k, tau, vol, (ask - bid) / 2
        self.expiry = torch.from_numpy(_expiry_number(points))
        joined = sizes.join(market_features, on="surface_id", how="left", maintain_order="left")
        self.market = torch.stack(
            [joined[name].cast(pl.Float32).fill_null(float("nan")).to_torch() for name in MARKET], -1
        )
        if not market:
            self.market.fill_(torch.nan)
        self.kind = 0 if kind is None else 1 + QUOTE_KINDS.index(kind)
        self.shown = shown
        self.tells_more = bool(self.kind) or not bool(self.half_spread.isnan().all())  # than the market
        self.level = _at_the_money(sizes, points)

    @property
    def shows_market(self) -> bool:
        """Whether any surface has market features."""
        return not bool(self.market.isnan().all())

    @classmethod
    def of(
        cls, surfaces: Sequence[tuple[Context, Targets]], market: bool, kind: str | None = None, shown: Shown = TRAINING
    ) -> "RealSurfaces":
        """The targets of surfaces that are in memory, without bid and ask."""
        sizes = [len(targets.implied_vol) for _, targets in surfaces]
        ids = [context.surface_id for context, _ in surfaces]
        columns = {
            name: np.concatenate([getattr(targets, name) for _, targets in surfaces])
            for name in ("log_moneyness", "time_to_maturity", "implied_vol")
        }
        points = pl.DataFrame(columns).with_columns(
            surface_id=pl.Series(np.repeat(ids, sizes)),
            point=pl.Series(np.concatenate([np.arange(size, dtype=np.uint32) for size in sizes])),
            implied_vol_bid=pl.lit(None, pl.Float64),
            implied_vol_ask=pl.lit(None, pl.Float64),
        )
        values = np.array([context.market for context, _ in surfaces])
        features = pl.DataFrame(values, schema=list(MARKET)).with_columns(surface_id=pl.Series(ids))
        return cls(points, features, market, kind, shown)

    def __len__(self) -> int:
        return len(self.ids)

    def draw(
        self, generator: Generator, surfaces: int, context: int, targets: int, contexts: Contexts
    ) -> tuple[Quotes, Asked]:
        """Visit surfaces drawn evenly, each under a pattern of its own."""
        rows = torch.randint(len(self), (surfaces,), generator=generator)
        cloud, index = self._cloud(rows, generator)
        shown, present, asked, wanted = shown_and_held_out(cloud, context, targets, contexts, generator)
        first = shown[:, :1]
        shown = torch.where(present, shown, first)
        market_known = torch.rand((surfaces, 1), generator=generator) < self.shown.market
        spread_known = kind_known = torch.ones_like(market_known)
        if self.tells_more:
            spread_known, kind_known = (
                torch.rand((surfaces, 1), generator=generator) < share for share in (self.shown.spread, self.shown.kind)
            )
        k, tau, vol, half_spread = (
            each[index.gather(1, shown)] for each in (self.k, self.tau, self.vol, self.half_spread)
        )
        quotes = Quotes(
            *(k, tau, vol, torch.where(spread_known, half_spread, torch.nan)),
            present,
            torch.where(market_known, self.market[rows], torch.nan),
            self.kind * kind_known,
        )
        at = index.gather(1, torch.where(wanted, asked, first))
        return quotes, Asked(self.k[at], self.tau[at], self.vol[at], wanted)

    def _cloud(self, rows: Int[Tensor, " surface"], generator: Generator) -> tuple[Cloud, Tensor]:
        """The drawn surfaces' points as a padded cloud, and where each lies in the flat arrays."""
        size = self.sizes[rows]
        width = int(size.clamp(max=LARGEST).max())
        order = torch.rand((len(rows), int(size.max())), generator=generator)
        listed = torch.arange(order.shape[1]) < size[:, None]
        chosen = order.masked_fill(~listed, 2.0).argsort(1)[:, :width]
        listed = listed.gather(1, chosen)
        chosen = torch.where(listed, chosen, chosen[:, :1])
        index = self.starts[rows][:, None] + chosen
        k, tau = self.k[index].double(), self.tau[index].double()
        z = k / (self.level[rows][:, None] * tau.sqrt())
        return Cloud(k, tau, z, self.expiry[index], listed), index


def _expiry_number(points: pl.DataFrame) -> np.ndarray:
    rank = points.select(pl.col("time_to_maturity").rank("dense").over("surface_id") - 1)
    return rank.to_series().to_numpy().astype(np.int64)


def _at_the_money(sizes: pl.DataFrame, points: pl.DataFrame) -> Tensor:
    """Median vol of the five points nearest to the money, by surface."""
    distance = pl.col("log_moneyness").abs() / pl.col("time_to_maturity").sqrt()
    level = points.group_by("surface_id").agg(pl.col("implied_vol").sort_by(distance).head(5).median().alias("level"))
    joined = sizes.join(level, on="surface_id", how="left", maintain_order="left")
    return joined["level"].cast(pl.Float32).to_torch()
