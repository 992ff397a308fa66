"""Training on simulated and real surfaces: it learns, and it resumes bit for bit."""

from copy import copy
from datetime import datetime

import numpy as np
import polars as pl
import pytest
import torch

from ivyspt.corpus_config import Corpus
from ivyspt.flagship_config import SIMULATED, Flagship, FlagshipTraining
from ivyspt.mixture.network import FlagshipNetwork
from ivyspt.pretraining.objective import losses
from ivyspt.pretraining.surfaces import TRAINING, RealSurfaces, Shown
from ivyspt.pretraining.trainer import RealSource, Sources, draw_batch, learning_rate, train

SETTINGS = Flagship(dimension=16, blocks=1, heads=2, components=1, knots=4)


def make_training(steps: int = 6, **changes) -> FlagshipTraining:
    values = {"batch_size": 4, "targets": 8, "context_sizes": [(3, 8)], "warmup_steps": 1, "report_every": 2}
    return FlagshipTraining(steps=steps, checkpoint_every=3, **values | changes)


@pytest.fixture(scope="module")
def real() -> RealSurfaces:
    generator = np.random.default_rng(0)
    frames = []
    for number in range(5):
        tau = np.repeat([0.05, 0.25, 1.0], 6)
        k = 0.3 * np.sqrt(tau) * np.tile(np.linspace(-1.5, 1.5, 6), 3)
        vol = 0.3 - 0.1 * k / np.sqrt(tau) + 0.002 * generator.normal(size=18)
        frames.append(
            pl.DataFrame(
                {
                    "surface_id": f"S{number}",
                    "quote_time": datetime(2026, 1, 5),
                    "symbol": f"S{number}",
                    "log_moneyness": k,
                    "time_to_maturity": tau,
                    "implied_vol": vol,
                    "implied_vol_bid": vol - 0.01,
                    "implied_vol_ask": vol + 0.01,
                    "point": np.arange(18, dtype=np.uint32),
                }
            )
        )
    features = pl.DataFrame(
        {"surface_id": [f"S{n}" for n in range(5)], "market_return": 0.01, "market_vol": 0.2, "treasury_rate": 0.04}
    )
    return RealSurfaces(pl.concat(frames), features)


def test_a_visit_shows_and_asks_disjoint_quotes_of_one_surface(real):
    generator = torch.Generator().manual_seed(1)
    quotes, asked = real.draw(generator, 40, 8, 8, Corpus().contexts.model_copy(update={"quotes": (3, 8)}))
    assert quotes.present.sum(-1).min() >= 3
    for row in range(40):
        shown = {
            tuple(p)
            for p in zip(
                quotes.log_moneyness[row][quotes.present[row]].tolist(),
                quotes.implied_vol[row][quotes.present[row]].tolist(),
                strict=True,
            )
        }
        wanted = {
            tuple(p)
            for p in zip(
                asked.log_moneyness[row][asked.wanted[row]].tolist(),
                asked.implied_vol[row][asked.wanted[row]].tolist(),
                strict=True,
            )
        }
        assert not shown & wanted
    spread = quotes.half_spread[quotes.present]
    known = ~spread.isnan()
    assert 0 < known.sum() < len(spread)  # a visit shows all of them or none
    torch.testing.assert_close(spread[known], torch.full_like(spread[known], 0.01), atol=1e-6, rtol=0)
    assert (quotes.kind == 0).all()


def test_most_visits_tell_the_kind_of_quotes(real):
    told = copy(real)
    told.kind = 2
    generator = torch.Generator().manual_seed(1)
    quotes, _ = told.draw(generator, 400, 8, 8, Corpus().contexts.model_copy(update={"quotes": (3, 8)}))
    assert set(quotes.kind.flatten().tolist()) == {0, 2}
    assert (quotes.kind == 2).float().mean() == pytest.approx(TRAINING.kind, abs=0.06)


def test_training_resumes_bit_for_bit(real, tmp_path):
    sources = Sources(Corpus(), {}, [RealSource(real)])

    def fresh() -> FlagshipNetwork:
        torch.manual_seed(0)
        return FlagshipNetwork(SETTINGS)

    whole, broken = fresh(), fresh()
    through = train(whole, sources, make_training(6), 0, tmp_path / "whole.safetensors")
    # stopped after three steps, whose learning rates do not know how many are to come
    train(broken, sources, make_training(3, decay_share=1e-9), 0, tmp_path / "broken.safetensors")
    again = fresh()
    resumed = train(again, sources, make_training(6), 0, tmp_path / "broken.safetensors")
    assert resumed["history"][-1] == through["history"][-1]
    assert resumed["step"] == through["step"] == 6
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(value, again.state_dict()[name], atol=0, rtol=0)


def test_training_lowers_the_loss_of_the_batches_it_sees(real, tmp_path):
    sources = Sources(Corpus(), {}, [RealSource(real)])
    torch.manual_seed(0)
    network = FlagshipNetwork(SETTINGS)
    quotes, asked = draw_batch(sources, make_training(), torch.Generator().manual_seed(5))
    before = float(losses(network(quotes), asked).total.detach())
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(25):
        found = losses(network(quotes), asked).total
        optimiser.zero_grad()
        found.backward()
        optimiser.step()
    assert float(losses(network(quotes), asked).total.detach()) < before - 0.1


def test_the_learning_rate_warms_up_stays_and_falls():
    training = make_training(100, warmup_steps=10, decay_share=0.3)
    rates = [learning_rate(step, training) for step in range(100)]
    assert rates[0] == pytest.approx(training.learning_rate / 10)
    assert rates[40] == training.learning_rate
    assert rates[99] < 0.02 * training.learning_rate
    assert np.diff(rates[70:]).max() < 0


def test_whether_the_market_is_known_does_not_tell_where_a_surface_is_from(real):
    blind = copy(real)
    blind.market = torch.full_like(real.market, torch.nan)
    sources = Sources(Corpus(families={"essvi": 1.0}), {}, [RealSource(real, 0.5), RealSource(blind, 0.5)])
    assert sources.markets.tolist() == real.market[:1].tolist()  # its surfaces share a day
    generator = torch.Generator().manual_seed(0)
    training = make_training(batch_size=400, batch_points=10_000, any_market=True)
    known = [
        ~draw_batch(Sources(sources.corpus, {}, real_sources), share, generator)[0].market.isnan().all(1)
        for real_sources, share in (
            (sources.real, training.model_copy(update={"real_share": 1.0})),
            (sources.real, training.model_copy(update={"real_share": 0.01})),
            ([RealSource(real)], training.model_copy(update={"real_share": 1.0})),
        )
    ]
    shares = [each.double().mean().item() for each in known]
    assert shares == pytest.approx([0.7] * 3, abs=0.08)  # three standard deviations of a mean of 400


def test_an_unknown_kind_does_not_tell_where_a_surface_is_from(real):
    marked = copy(real)
    marked.kind, marked.shown = 1, Shown(kind=0.5)
    sources = Sources(Corpus(families={"essvi": 1.0}), {}, [RealSource(marked)])
    kinds = []
    for real_share in (1.0, 0.01):  # the latter leaves four of 400
        training = make_training(batch_size=400, batch_points=10_000, kind_shown=0.5, real_share=real_share)
        kinds.append(draw_batch(sources, training, torch.Generator().manual_seed(0), simulated_kind=True)[0].kind)
    assert [(kind > 0).double().mean().item() for kind in kinds] == pytest.approx([0.5] * 2, abs=0.08)
    assert kinds[0].unique().tolist() == [0, 1]
    assert kinds[1][:396].unique().tolist() == [0, SIMULATED]


def test_unless_asked_for_simulated_surfaces_are_of_no_known_kind(real):
    sources = Sources(Corpus(families={"essvi": 1.0}), {}, [RealSource(real)])
    quotes, _ = draw_batch(sources, make_training(real_share=0.25), torch.Generator().manual_seed(0))
    assert (quotes.kind[:3] == 0).all()  # of four surfaces


def test_where_no_source_shows_its_market_none_is_made_up(real):
    blind = copy(real)
    blind.market = torch.full_like(real.market, torch.nan)
    sources = Sources(Corpus(families={"essvi": 1.0}), {}, [RealSource(blind)])
    quotes, _ = draw_batch(sources, make_training(any_market=True), torch.Generator().manual_seed(0))
    assert quotes.market.isnan().all()


def test_unless_asked_for_simulated_surfaces_come_without_a_market(real):
    sources = Sources(Corpus(families={"essvi": 1.0}), {}, [RealSource(real)])
    quotes, _ = draw_batch(sources, make_training(real_share=0.25), torch.Generator().manual_seed(0))
    assert quotes.market[:3].isnan().all()  # of four surfaces
