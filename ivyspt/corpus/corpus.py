"""Batches of simulated surfaces with noisy contexts and exact targets, drawn afresh at every step of pre-training."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

from ivyspt.corpus.clouds import draw_cloud
from ivyspt.corpus.contexts import shown_and_held_out
from ivyspt.corpus.draws import happens, uniform
from ivyspt.corpus.events import draw_events
from ivyspt.corpus.expiries import YEAR, draw_expiries
from ivyspt.corpus.families import Mixture, Pool, draw_families
from ivyspt.corpus.noise import draw_noise
from ivyspt.corpus_config import Contexts, Corpus

EVERYTHING = Corpus()
NO_POOLS: Mapping[str, Pool] = MappingProxyType({})


@dataclass(frozen=True)
class CorpusBatch:
    """Contexts and targets of simulated surfaces, in single precision.

    Log-moneyness is log(strike / forward), maturities are years, vols and half-spreads annualised decimals.
    """

    context_log_moneyness: Float[Tensor, "surface context"]
    context_time_to_maturity: Float[Tensor, "surface context"]
    context_implied_vol: Float[Tensor, "surface context"]  # as quoted
    context_half_spread: Float[Tensor, "surface context"]  # NaN where unknown
    present: Bool[Tensor, "surface context"]  # False where a row is padded; its first point is repeated there
    target_log_moneyness: Float[Tensor, "surface target"]
    target_time_to_maturity: Float[Tensor, "surface target"]
    target_implied_vol: Float[Tensor, "surface target"]  # as quoted
    target_clean_implied_vol: Float[Tensor, "surface target"]  # of the surface itself
    target_half_spread: Float[Tensor, "surface target"]
    target_quoted: Bool[Tensor, "surface target"]  # held-out quotes; the others lie anywhere
    family: Int[Tensor, " surface"]  # position in `Corpus.families`


@dataclass(frozen=True)
class _Points:
    """Places on surfaces: z in standard deviations at the money; `expiry` is -1 where no expiry is listed."""

    log_moneyness: Float[Tensor, "surface point"]
    time_to_maturity: Float[Tensor, "surface point"]
    z: Float[Tensor, "surface point"]
    expiry: Int[Tensor, "surface point"]


def draw(
    generator: Generator | int,
    surfaces: int,
    context: int,
    targets: int,
    corpus: Corpus = EVERYTHING,
    pools: Mapping[str, Pool] = NO_POOLS,
) -> CorpusBatch:
    """Draw a batch of surfaces, each with at least three context points.

    Parameters
    ----------
    generator : torch.Generator or int
        Source of the draw, or the seed of one: the same seed gives the same batch.
    surfaces, context, targets : int
        Rows and columns of the batch. A row holds as many context points as its draw says, at most `context`.
    corpus : Corpus
        Shares of the families, and how they are quoted.
    pools : mapping
        Surfaces drawn beforehand, by family; a family without a pool, other than eSSVI, is left out.
    """
    if isinstance(generator, int):
        generator = Generator().manual_seed(generator)
    family, mixture = draw_families(surfaces, corpus, pools, generator)
    expiries, listed, standard = draw_expiries(surfaces, corpus.clouds, generator)
    w = mixture.at_the_money(expiries)
    jumps = draw_events(expiries, listed, w / expiries, corpus.events, generator)
    mixture = replace(mixture, jumps=jumps)
    std = mixture.unit(expiries, w + jumps.added_variance(expiries), corpus.clouds.max_z)
    cloud = draw_cloud(expiries, listed, standard, std, corpus.clouds, generator)
    held_out = round(targets * corpus.contexts.quoted_targets)
    shown, present, asked, quoted = shown_and_held_out(cloud, context, held_out, corpus.contexts, generator)
    quotes = _Points(cloud.log_moneyness, cloud.time_to_maturity, cloud.z, cloud.expiry)
    anywhere = _anywhere(expiries, listed, mixture, targets, corpus.contexts, generator)
    shown = torch.where(present, shown, shown[:, :1])
    quoted = torch.nn.functional.pad(quoted, (0, targets - quoted.shape[1]))
    asked = torch.nn.functional.pad(asked, (0, targets - asked.shape[1]))
    points = _joined(_gather(quotes, shown), _where(quoted, _gather(quotes, asked), anywhere))
    clean = (mixture.total_variance(points.log_moneyness, points.time_to_maturity) / points.time_to_maturity).sqrt()
    noisy = draw_noise(clean, points.time_to_maturity, points.z, points.expiry, corpus.noise, generator)
    return _assemble(points, clean, noisy.implied_vol, noisy.half_spread, present, quoted, family)


def _assemble(
    points: _Points, clean: Tensor, noisy: Tensor, half_spread: Tensor, present: Tensor, quoted: Tensor, family: Tensor
) -> CorpusBatch:
    """Split context from targets and round to single precision; padded columns repeat the row's first quote."""
    width = present.shape[1]

    def split(table: Tensor) -> tuple[Tensor, Tensor]:
        context, target = table.float().split((width, table.shape[1] - width), 1)
        return torch.where(present, context, context[:, :1]), target.contiguous()

    k, target_k = split(points.log_moneyness)
    tau, target_tau = split(points.time_to_maturity)
    implied_vol, target_implied_vol = split(noisy)
    spread, target_spread = split(half_spread)
    return CorpusBatch(
        context_log_moneyness=k,
        context_time_to_maturity=tau,
        context_implied_vol=implied_vol,
        context_half_spread=spread,
        present=present,
        target_log_moneyness=target_k,
        target_time_to_maturity=target_tau,
        target_implied_vol=target_implied_vol,
        target_clean_implied_vol=split(clean)[1],
        target_half_spread=target_spread,
        target_quoted=quoted,
        family=family,
    )


def _anywhere(
    expiries: Tensor, listed: Tensor, mixture: Mixture, count: int, contexts: Contexts, generator: Generator
) -> _Points:
    """Points off the quotes: half of them on listed expiries, log-uniform in maturity; half of them far out."""
    shape = (len(expiries), count)
    longest = expiries.amax(1, keepdim=True)
    first = (longest / 2).clamp(max=contexts.target_days / YEAR)
    tau = first * (longest / first) ** uniform((0, 1), shape, generator)
    expiry = (uniform((0, 1), shape, generator) * listed.sum(1, keepdim=True)).long()
    own = expiries.gather(1, expiry)
    on_an_expiry = happens(0.5, shape, generator) & (own >= first)
    tau = torch.where(on_an_expiry, own, tau)
    widest = torch.where(happens(0.5, shape, generator), contexts.max_z, contexts.usual_z)
    z = widest * uniform((-1, 1), shape, generator)
    k = z * mixture.unit(tau, mixture.at_the_money(tau), contexts.max_z)
    return _Points(k, tau, z, torch.where(on_an_expiry, expiry, -1))


def _gather(points: _Points, index: Int[Tensor, "surface column"]) -> _Points:
    return _Points(
        points.log_moneyness.gather(1, index),
        points.time_to_maturity.gather(1, index),
        points.z.gather(1, index),
        points.expiry.gather(1, index),
    )


def _where(condition: Tensor, points: _Points, others: _Points) -> _Points:
    return _Points(
        torch.where(condition, points.log_moneyness, others.log_moneyness),
        torch.where(condition, points.time_to_maturity, others.time_to_maturity),
        torch.where(condition, points.z, others.z),
        torch.where(condition, points.expiry, others.expiry),
    )


def _joined(left: _Points, right: _Points) -> _Points:
    return _Points(
        torch.cat((left.log_moneyness, right.log_moneyness), 1),
        torch.cat((left.time_to_maturity, right.time_to_maturity), 1),
        torch.cat((left.z, right.z), 1),
        torch.cat((left.expiry, right.expiry), 1),
    )
