"""The fast path gives the answers of the network that was trained."""

from copy import copy
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch

from ivyspt.flagship_config import QUOTE_KINDS, Flagship
from ivyspt.inference import fit as fitting
from ivyspt.inference.engine import Engine, load_engine
from ivyspt.inference.surface import place_knots
from ivyspt.mixture.answers import Answer
from ivyspt.mixture.method import answer, collate
from ivyspt.mixture.network import FlagshipNetwork
from ivyspt.mixture.weights import save_flagship
from tests.mixture.test_network import PLACES, make_quotes

SETTINGS = Flagship(
    dimension=16,
    blocks=2,
    heads=2,
    components=3,
    knots=6,
    many_quotes=100,
    knots_of_many=9,
    copies_of_many=2,
    quote_kinds=True,
    fit_steps=(10, 30),
    fit_steps_of_many=(3, 12),
    fit_damping=0.01,
    fit_settled=0.1,
)


@pytest.fixture(scope="module", params=[True, False], ids=["by maturity", "one factor"])
def network(request) -> FlagshipNetwork:
    torch.manual_seed(1)
    made = FlagshipNetwork(SETTINGS.model_copy(update={"bounds_by_maturity": request.param})).eval()
    with torch.no_grad():  # read-outs that listen, as trained ones do
        for layer in (made.of_knots, made.of_surface, made.of_quotes, made.of_confidence):
            layer.weight.normal_(std=0.1)
        made.log_spread.fill_(0.3)
        made.quote_kinds.normal_(std=0.3)
    return made


@pytest.fixture(scope="module")
def engine(network, tmp_path_factory) -> Engine:
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    save_flagship(network, path, {})
    return load_engine(path)[0]


@pytest.mark.parametrize(("count", "seed"), [(3, 0), (9, 1), (40, 2), (150, 3)])
def test_both_paths_agree(network, engine, count, seed):
    quotes = make_quotes(count, seed, noise=0.003)
    slow, fast = answer(network, [quotes], [PLACES])[0], engine.answer(quotes, *PLACES)
    for name in Answer.__dataclass_fields__:
        # both trunks are in single precision
        np.testing.assert_allclose(getattr(fast, name), getattr(slow, name), rtol=2e-3, atol=1e-5, err_msg=name)


def test_each_surface_of_a_batch_stops_where_it_has_settled(network, engine):
    sizes_and_noise = ((20, 0.0), (20, 0.05), (9, 0.01), (40, 0.0), (30, 0.02), (12, 0.03))
    quotes = [make_quotes(count, seed, noise) for seed, (count, noise) in enumerate(sizes_and_noise)]
    for quoted, own in zip(quotes, answer(network, quotes, [PLACES] * len(quotes)), strict=True):
        np.testing.assert_allclose(own.implied_vol, engine.answer(quoted, *PLACES).implied_vol, rtol=1e-4)


def test_where_the_fit_settles_is_near_to_where_it_would_rest(network):
    quotes = [make_quotes(20, 1), make_quotes(20, 2, noise=0.05), make_quotes(9, 3, noise=0.01)]

    def by(**settings) -> list[Answer]:
        other = copy(network)
        other.settings = network.settings.model_copy(update=settings)
        return answer(other, quotes, [PLACES] * len(quotes))

    def furthest(answers: list[Answer], others: list[Answer]) -> float:
        pairs = zip(answers, others, strict=True)
        return max(np.abs(one.implied_vol / other.implied_vol - 1).max() for one, other in pairs)

    at_rest = by(fit_steps=(60, 60), fit_settled=0.0)
    assert furthest(by(), at_rest) < 0.3 * furthest(by(fit_steps=(1, 2)), at_rest)


def test_clean_quotes_are_fitted_further_than_noisy_ones(engine, monkeypatch):
    steps, step = [], fitting._step
    monkeypatch.setattr(fitting, "_step", lambda *parts: steps.append(1) or step(*parts))
    patient = copy(engine)
    patient.settings = engine.settings.model_copy(update={"fit_settled": 3.0})

    def taken(noise: float) -> int:
        steps.clear()
        patient.answer(make_quotes(40, 4, noise), *PLACES)
        return len(steps)

    by_noise = taken(0.0), taken(0.02)
    monkeypatch.setattr(fitting, "TYPICAL_NOISE", 1e-9)  # all quotes count as noisy
    assert taken(0.0) < by_noise[0]
    assert taken(0.02) == by_noise[1]


def test_the_knots_agree(network, engine):
    quotes = make_quotes(20, 5)
    batch = collate([quotes])
    with torch.no_grad():
        fitted = network(batch)
    knots = place_knots(np.log(quotes.time_to_maturity.astype(np.float32).astype(float)), SETTINGS.knots)
    np.testing.assert_allclose(knots, fitted.posterior.surface.frame.knots[0].numpy(), atol=1e-5)


def test_the_kind_of_quotes_is_read_alike(network, engine):
    quotes = make_quotes(12, 7)
    found = []
    for kind in (None, *QUOTE_KINDS):
        told = replace(quotes, kind=kind)
        slow, fast = answer(network, [told], [PLACES])[0], engine.answer(told, *PLACES)
        np.testing.assert_allclose(fast.implied_vol, slow.implied_vol, rtol=1e-3)
        found.append(fast.implied_vol)
    assert all(np.abs(one - other).max() > 1e-3 for one, other in combinations(found, 2))


def test_spreads_and_missing_features_are_read_alike(network, engine):
    quotes = make_quotes(12, 7)
    quotes.half_spread[:6] = 0.004
    quotes.market[:] = np.nan
    slow, fast = answer(network, [quotes], [PLACES])[0], engine.answer(quotes, *PLACES)
    np.testing.assert_allclose(fast.implied_vol, slow.implied_vol, rtol=1e-3)
