"""Completing surfaces with the packaged weights: one at a time on one thread, many on two processes, and from cold."""

import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import polars as pl
import pytest
import torch

import ivyspt
from ivyspt.mixture.answers import Quoted

SURFACES = 64


def made_quotes(seed: int, count: int = 40) -> pl.DataFrame:
    """A smooth smile with noise, four maturities."""
    generator = np.random.default_rng(seed)
    tau = generator.choice([0.05, 0.1, 0.25, 0.6], count)
    k = 0.25 * np.sqrt(tau) * generator.normal(size=count)
    vol = (0.25 - 0.15 * k + 0.4 * k**2 + 0.02 * tau) * np.exp(0.01 * generator.normal(size=count))
    return pl.DataFrame({"surface_id": "A", "log_moneyness": k, "time_to_maturity": tau, "implied_vol": vol})


def made_places(count: int) -> pl.DataFrame:
    """Places within and beyond the quotes."""
    generator = np.random.default_rng(99)
    tau = np.exp(generator.uniform(np.log(0.04), np.log(0.8), count))
    k = 0.3 * np.sqrt(tau) * generator.normal(size=count)
    return pl.DataFrame({"surface_id": "A", "log_moneyness": k, "time_to_maturity": tau})


@pytest.mark.benchmark(group="40 quotes completed, one thread")
@pytest.mark.parametrize("targets", [100, 1000])
@pytest.mark.parametrize("kind", ["arrays", "tables"])
def test_one_surface(benchmark, kind, targets):
    """With derivatives, g and bands: a median of 5 ms is asked for 1,000 targets, arrays to arrays."""
    model, quotes, places = ivyspt.load_pretrained(), made_quotes(0), made_places(targets)
    k, tau, vol = (quotes[name].to_numpy() for name in ("log_moneyness", "time_to_maturity", "implied_vol"))
    quoted = Quoted(k, tau, vol, np.full(len(k), np.nan), np.full(3, np.nan))
    place = tuple(places[name].to_numpy() for name in ("log_moneyness", "time_to_maturity"))

    def arrays() -> int:
        found = model.engine.answer(quoted, *place)
        return len(model.bands.around(found, quoted)[90][0])

    run = arrays if kind == "arrays" else lambda: model.complete(quotes, places).height
    with model.threads.limit(limits=1, user_api="blas"):
        assert benchmark.pedantic(run, rounds=200, warmup_rounds=10) == targets


def _complete(seeds: range) -> int:
    model, places = ivyspt.load_pretrained(), made_places(100)
    return sum(model.complete(made_quotes(seed), places).height for seed in seeds)


def test_surfaces_a_second_on_two_processes(benchmark, capsys):
    """40 quotes to 100 places each: 300 a second are asked for."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        halves = [range(SURFACES), range(SURFACES, 2 * SURFACES)]
        list(pool.map(_complete, halves))  # imports and weights
        done = benchmark.pedantic(lambda: sum(pool.map(_complete, halves)), rounds=5)
    assert done == 2 * SURFACES * 100
    if benchmark.stats:
        with capsys.disabled():
            print(f"\nsurfaces a second on two processes: {2 * SURFACES / benchmark.stats['median']:.0f}")


def test_surfaces_a_second_in_batches(benchmark, capsys):
    """The same in one call of one process: 300 a second are asked for, on two cores."""
    torch.set_num_threads(2)
    model, count = ivyspt.load_pretrained(), 16 * SURFACES
    each = [(made_quotes(seed), made_places(100)) for seed in range(count)]
    quotes, places = (
        pl.concat([pair[part].with_columns(surface_id=pl.lit(str(seed))) for seed, pair in enumerate(each)])
        for part in (0, 1)
    )
    done = benchmark.pedantic(lambda: model.complete(quotes, places).height, rounds=3, warmup_rounds=1)
    assert done == count * 100
    if benchmark.stats:
        with capsys.disabled():
            print(f"\nsurfaces a second in batches: {count / benchmark.stats['median']:.0f}")


def test_cold_start(benchmark):
    """Import and load in a new process: 3 s at most are asked for."""
    command = [sys.executable, "-c", "import ivyspt; ivyspt.load_pretrained()"]
    benchmark.pedantic(subprocess.run, args=(command,), kwargs={"check": True}, rounds=3)
