"""Contexts of many surfaces in arrays of one shape, with the expiries of each as nodes of its term structure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ivyspt.completion import Context

BATCH_NUMBERS = 1_000_000  # of a batch's largest arrays: (surface, point, node), (surface, constraint, parameter)
CONSTRAINTS_TIMES_PARAMETERS = 24  # about, over the square of the nodes


@dataclass(frozen=True)
class Padded:
    """Points (surface, point) in the order of (tau, k), and nodes (surface, node) at the distinct expiries.

    Where a surface has fewer points, `quoted` is False; where it has fewer expiries, `listed` is False and the nodes go
    on at steps of one in log(tau), so that every step is positive.
    """

    log_moneyness: np.ndarray
    time_to_maturity: np.ndarray
    implied_vol: np.ndarray
    quoted: np.ndarray
    node: np.ndarray  # of each point, int
    log_tau: np.ndarray
    listed: np.ndarray
    level: np.ndarray  # (surface,), median vol of the context


def padded(contexts: Sequence[Context]) -> Padded:
    """Arrays of the contexts; the order of a context's points does not enter."""
    surfaces = len(contexts)
    expiries = [np.unique(context.time_to_maturity) for context in contexts]
    shape = surfaces, max(context.implied_vol.size for context in contexts)
    k, tau, vol = np.zeros(shape), np.ones(shape), np.ones(shape)
    quoted, node = np.zeros(shape, bool), np.zeros(shape, int)
    log_tau = np.zeros((surfaces, max(map(len, expiries))))
    listed = np.zeros(log_tau.shape, bool)
    for i, (context, own) in enumerate(zip(contexts, expiries, strict=True)):
        n, m = context.implied_vol.size, own.size
        order = np.lexsort((context.implied_vol, context.log_moneyness, context.time_to_maturity))
        k[i, :n], vol[i, :n] = context.log_moneyness[order], context.implied_vol[order]
        tau[i, :n], quoted[i, :n] = context.time_to_maturity[order], True
        node[i, :n] = np.searchsorted(own, tau[i, :n])
        log_tau[i, :m], listed[i, :m] = np.log(own), True
        log_tau[i, m:] = np.log(own[-1]) + 1 + np.arange(log_tau.shape[1] - m)
    level = np.array([np.median(context.implied_vol) for context in contexts])
    return Padded(k, tau, vol, quoted, node, log_tau, listed, level)


def batches(contexts: Sequence[Context]) -> Iterator[list[int]]:
    """Numbers of the contexts, in groups of similar size whose arrays stay small."""
    nodes = np.array([np.unique(context.time_to_maturity).size for context in contexts])
    points = np.array([context.implied_vol.size for context in contexts])
    batch: list[int] = []
    for i in np.lexsort((points, nodes)).tolist():
        largest = [*batch, i]
        if batch and _numbers(points[largest], nodes[largest]) > BATCH_NUMBERS:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _numbers(points: np.ndarray, nodes: np.ndarray) -> int:
    most = nodes.max()
    return len(points) * most * (points.max() + CONSTRAINTS_TIMES_PARAMETERS * most)
