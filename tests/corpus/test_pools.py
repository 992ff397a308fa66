"""Pools of SABR, Heston and Bates surfaces: close to the models, free of arbitrage, whole on disk."""

import json

import numpy as np
import pytest
import QuantLib
import torch
from safetensors import safe_open

from ivyspt.columns import DataError
from ivyspt.corpus.corpus import draw
from ivyspt.corpus.events import draw_events
from ivyspt.corpus.families import Mixture
from ivyspt.corpus.heston import draw_heston
from ivyspt.corpus.pool_file import read_pools
from ivyspt.corpus.pools import fourier_vols, free_of_arbitrage, make_pool, tabulate
from ivyspt.corpus.sabr import draw_sabr, hagan
from ivyspt.corpus.tables import Tables
from ivyspt.corpus_config import Corpus, Events, Noise, Pools, Sabr
from ivyspt.stages import make_corpus
from ivyspt.tensor_file import write_tensors
from tests.corpus.differences import calendar_slope_on, durrleman_on, grid

SURFACES = 8
CORPUS = Corpus(pools=Pools(surfaces=SURFACES))
FAMILIES = ("sabr", "heston", "bates")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """The file that the stage writes."""
    path = tmp_path_factory.mktemp("corpus") / "pools.safetensors"
    make_corpus.run(make_corpus.Settings(corpus=CORPUS), pools=path)
    return path


@pytest.fixture(scope="module")
def pools(path):
    return read_pools(path)


@pytest.mark.parametrize("family", FAMILIES)
def test_pooled_surfaces_are_free_of_arbitrage(pools, family):
    tables = pools[family]
    # finer than the screen, and at maturities between its own
    k, tau, std = grid(tables, SURFACES, max_z=6.0, nodes=(121, 37))
    # coefficients are kept in single precision: rounding of 1e-7 over the square of the stencil gives 1e-3
    assert durrleman_on(tables, k, tau, std, step=0.05).min() > -1e-3
    assert calendar_slope_on(tables, k, tau, step=0.02).min() > -1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_events_keep_pooled_surfaces_free_of_arbitrage(pools, family):
    tables = pools[family]
    expiries = torch.tensor([[7.0, 30, 60, 182]], dtype=torch.float64).expand(SURFACES, -1) / 365
    variance = tables.total_variance(torch.zeros_like(expiries), expiries) / expiries
    listed, generator = torch.ones_like(expiries, dtype=torch.bool), torch.Generator().manual_seed(0)
    jumps = draw_events(expiries, listed, variance, Events(share=1.0), generator)
    surfaces = Mixture([torch.arange(SURFACES)], [tables], jumps)
    k, tau, std = grid(surfaces, SURFACES, max_z=1.0, nodes=(121, 25))
    unit = surfaces.unit(tau, std.square(), max_z=6.0)
    k = 6 * k / std * unit
    assert durrleman_on(surfaces, k, tau, std, step=0.02).min() > -1e-3
    assert calendar_slope_on(surfaces, k, tau, step=0.02).min() > -1e-5
    assert torch.all(k.abs() < tables.reach(tau))


def test_tables_are_the_models_between_their_nodes():
    process = draw_heston(10, CORPUS.heston, np.random.default_rng(3))
    tables = tabulate(process, CORPUS.pools)
    tau = np.tile([0.013, 0.11, 0.7, 1.9], (10, 1))
    short, long, speed = (level[:, None] for level in process.reference())
    std = np.sqrt(long * tau - (short - long) * np.expm1(-speed * tau) / speed)
    k = np.array([3.7, 1.1, 0.2, -0.4, -1.3, -4.4]) * std[..., None]
    exact = fourier_vols(process, k, tau, std) ** 2 * tau[..., None]
    times = np.broadcast_to(tau[..., None], k.shape)
    found = tables.total_variance(*(torch.from_numpy(each.reshape(10, -1)) for each in (k, times.copy())))
    errors = np.abs(found.numpy().reshape(k.shape) / exact - 1)
    assert np.median(errors) < 1e-6
    assert np.quantile(errors, 0.9) < 1e-4
    assert errors.max() < 1e-2  # vol of variance far above vol bends the short end most


def test_hagans_formula_is_quantlibs():
    for k in (-0.6, -0.1, 0.0, 1e-6, 0.3):
        found = float(hagan(k, 1.5, 0.25, 0.6, -0.4, 0.7))
        assert found == pytest.approx(QuantLib.sabrVolatility(np.exp(k), 1.0, 1.5, 0.25, 0.6, 0.7, -0.4), rel=1e-7)


def test_surfaces_on_which_hagans_formula_breaks_are_turned_away():
    wild = Sabr(volatility=(2.5, 3.0), exponent=(0.0, 0.05))  # vol of vol that does not fall with maturity
    tables = tabulate(draw_sabr(10, wild, np.random.default_rng(0)), CORPUS.pools)
    kept = free_of_arbitrage(tables, CORPUS.pools)
    k, tau, std = grid(tables, 10, max_z=6.0, nodes=(61, 21))
    broken = (durrleman_on(tables, k, tau, std, step=0.05).amin(1) < -1e-2) | (
        calendar_slope_on(tables, k, tau, step=0.02).amin(1) < -1e-3
    )
    assert broken.any()
    assert not kept[broken].any()


def test_a_surface_that_cannot_be_priced_is_turned_away():
    process = draw_heston(2, CORPUS.heston, np.random.default_rng(0))
    tables = tabulate(process, CORPUS.pools)
    tables.coefficients[0] = torch.nan
    assert free_of_arbitrage(tables, CORPUS.pools).tolist() == [False, True]


def test_pools_are_drawn_by_their_seed(pools):
    again, _ = make_pool("sabr", CORPUS)
    torch.testing.assert_close(again.coefficients.float().double(), pools["sabr"].coefficients, rtol=0, atol=0)
    other, _ = make_pool("sabr", Corpus(pools=Pools(surfaces=SURFACES, seed=1)))
    assert not torch.equal(again.coefficients, other.coefficients)


def test_a_batch_draws_from_every_family_in_its_share(pools):
    generator = torch.Generator().manual_seed(0)
    family = torch.cat([draw(generator, 200, 12, 4, CORPUS, pools).family for _ in range(5)])
    share = torch.bincount(family, minlength=4) / len(family)
    expected = torch.tensor(list(CORPUS.families.values()))
    assert torch.all((share - expected).abs() < 4 * (expected * (1 - expected) / len(family)).sqrt())


def test_a_batch_from_pools_is_deterministic_and_exact(pools):
    corpus = CORPUS.model_copy(update={"noise": Noise(clean=1.0, stale_surfaces=0.0), "events": Events(share=0.0)})
    first, second = (draw(5, 40, 30, 20, corpus, pools) for _ in range(2))
    assert torch.equal(first.target_clean_implied_vol, second.target_clean_implied_vol)
    assert torch.all((first.target_clean_implied_vol > 0.01) & (first.target_clean_implied_vol < 8))
    alone = draw(5, 40, 30, 20, corpus.model_copy(update={"families": {"heston": 1.0}}), {"heston": pools["heston"]})
    assert torch.all(alone.family == 0)


def test_the_file_says_what_was_kept(path):
    with safe_open(path, framework="pt") as file:
        content = json.loads(file.metadata()["ivyspt"])
    assert set(content["kept_shares"]) == set(FAMILIES)
    assert all(0 < share <= 1 for share in content["kept_shares"].values())
    assert content["settings"]["corpus"]["pools"]["surfaces"] == SURFACES


def test_other_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="must exist, got no such file"):
        read_pools(tmp_path / "none")
    (tmp_path / "text").write_text("no tensors")
    with pytest.raises(DataError, match="must be a whole safetensors file"):
        read_pools(tmp_path / "text")
    write_tensors({"weight": np.zeros(2)}, {"model": {}}, tmp_path / "weights")
    with pytest.raises(DataError, match="must be a file of pools"):
        read_pools(tmp_path / "weights")


def test_tables_of_a_file_have_the_pace_of_the_tables(pools):
    assert isinstance(pools["bates"], Tables)
    assert torch.all(pools["bates"].pace == 1)
