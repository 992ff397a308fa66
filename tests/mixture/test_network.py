"""What the flagship's answer may not depend on, and how it saves and fits."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from ivyspt.columns import DataError
from ivyspt.flagship_config import QUOTE_KINDS, SIMULATED, Flagship
from ivyspt.mixture.answers import Answer, Quoted
from ivyspt.mixture.bands import UNKNOWN, Bands, bands_of, calibrate, size_class
from ivyspt.mixture.method import LARGEST_PASS, PAIRS_A_POINT, _passes, answer, collate
from ivyspt.mixture.network import FlagshipNetwork
from ivyspt.mixture.typical import LARGEST_CONTEXT
from ivyspt.mixture.weights import load_flagship, save_flagship

SETTINGS = Flagship(dimension=16, blocks=2, heads=2, components=2, knots=5)


@pytest.fixture
def network() -> FlagshipNetwork:
    torch.manual_seed(0)
    made = FlagshipNetwork(SETTINGS).eval()
    with torch.no_grad():  # a read-out that listens to the context
        for layer in (made.of_knots, made.of_surface, made.of_quotes):
            layer.weight.normal_(std=0.3)
    return made


def make_quotes(count: int = 14, seed: int = 0, noise: float = 0.0) -> Quoted:
    generator = np.random.default_rng(seed)
    tau = generator.choice([0.05, 0.2, 0.7], count)
    k = 0.25 * np.sqrt(tau) * generator.normal(size=count)
    vol = 0.25 - 0.08 * k / np.sqrt(tau) + 0.1 * k**2 + noise * generator.normal(size=count)
    return Quoted(k, tau, vol, np.full(count, np.nan), np.array([0.01, np.nan, 0.04]))


PLACES = (np.array([-0.2, 0.0, 0.1, 0.3]), np.array([0.1, 0.05, 0.4, 1.5]))


def same(left: Answer, right: Answer, tolerance: float) -> None:
    for name in Answer.__dataclass_fields__:
        np.testing.assert_allclose(getattr(left, name), getattr(right, name), rtol=tolerance, atol=tolerance)


def test_the_order_of_the_quotes_does_not_matter(network):
    quotes = make_quotes()
    order = np.random.default_rng(1).permutation(14)
    columns = (quotes.log_moneyness, quotes.time_to_maturity, quotes.implied_vol, quotes.half_spread)
    shuffled = Quoted(*(column[order] for column in columns), quotes.market)
    same(answer(network, [quotes], [PLACES])[0], answer(network, [shuffled], [PLACES])[0], 1e-4)  # float32 trunk


def test_company_and_padding_change_no_answer(network):
    alone = answer(network, [make_quotes(9, seed=3)], [PLACES])[0]
    together = answer(network, [make_quotes(30, seed=4), make_quotes(9, seed=3)], [PLACES, PLACES])[1]
    same(alone, together, 1e-4)


def test_what_else_is_asked_changes_no_answer(network):
    both = answer(network, [make_quotes()], [PLACES])[0]
    first = answer(network, [make_quotes()], [(PLACES[0][:1], PLACES[1][:1])])[0]
    np.testing.assert_allclose(first.implied_vol, both.implied_vol[:1], rtol=1e-12)


def test_no_answer_allows_arbitrage(network):
    z, tau = np.meshgrid(np.linspace(-6, 6, 41), np.geomspace(0.02, 3, 15))
    grid = ((0.25 * z * np.sqrt(tau)).ravel(), tau.ravel())
    found = answer(network, [make_quotes(20, noise=0.1)], [grid])[0]
    assert found.durrleman_g.min() >= -1e-9
    assert found.w_tau.min() >= -1e-9


def test_quotes_without_noise_are_met():
    """Untrained, the fit alone meets quotes from a smooth surface to about the noise that it starts from."""
    torch.manual_seed(0)
    quotes = make_quotes(40)
    places = (quotes.log_moneyness, quotes.time_to_maturity)
    found = answer(FlagshipNetwork(SETTINGS).eval(), [quotes], [places])[0]
    assert (
        np.sqrt(np.mean((found.implied_vol / quotes.implied_vol - 1) ** 2)) < 0.015
    )  # the noise that it starts from is 1 %


def test_simulated_surfaces_are_of_the_unknown_kind_until_training_tells_them_apart():
    torch.manual_seed(0)
    network = FlagshipNetwork(SETTINGS.model_copy(update={"quote_kinds": True, "simulated_kind": True})).eval()
    quotes = collate([make_quotes()])

    def prior(kind: int) -> torch.Tensor:
        with torch.no_grad():
            return network(replace(quotes, kind=torch.tensor([[kind]]))).posterior.surface.latent

    with torch.no_grad():
        network.of_knots.weight.normal_(std=0.3)
        network.quote_kinds.normal_()
    assert torch.equal(prior(SIMULATED), prior(0))
    with torch.no_grad():
        network.simulated_kind.normal_()
    assert not torch.allclose(prior(SIMULATED), prior(0), rtol=1e-3)
    for kind in range(1 + len(QUOTE_KINDS)):
        assert not torch.allclose(prior(SIMULATED), prior(kind), rtol=1e-3)


def test_a_network_that_is_not_told_kinds_has_none_for_simulated_surfaces():
    with pytest.raises(ValidationError, match="quote_kinds must be true"):
        Flagship(simulated_kind=True)


def test_a_pass_of_long_contexts_takes_fewer_surfaces():
    """Attention's tables, of a pair of quotes each, bound its memory where the targets do not."""
    few, many = ([*_passes([make_quotes(count)] * 40, [PLACES] * 40, [5] * 40)] for count in (20, 2000))
    assert [len(each) for each in few] == [40]
    assert sorted(i for each in many for i in each) == list(range(40))
    assert max(len(each) for each in many) * LARGEST_CONTEXT**2 <= LARGEST_PASS * PAIRS_A_POINT
    assert len(many) == 4


def test_weights_survive_a_file(network, tmp_path):
    bands = Bands({UNKNOWN: {90: (2.0,) * 5, 50: (0.7,) * 5}, "mids": {90: (1.0,) * 5, 50: (0.3,) * 5}})
    save_flagship(network, tmp_path / "w.safetensors", {"seed": 0}, bands)
    loaded, header = load_flagship(tmp_path / "w.safetensors")
    same(
        answer(loaded, [make_quotes()], [PLACES])[0],
        answer(network, [make_quotes()], [PLACES])[0],
        1e-12,
    )
    assert bands_of(header, tmp_path) == bands


def test_a_damaged_file_of_weights_is_refused(network, tmp_path):
    path = tmp_path / "w.safetensors"
    save_flagship(network, path, {})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="whole safetensors file"):
        load_flagship(path)


def test_weights_without_bands_say_so(network, tmp_path):
    save_flagship(network, tmp_path / "w.safetensors", {})
    with pytest.raises(DataError, match="calibrated bands"):
        bands_of(load_flagship(tmp_path / "w.safetensors")[1], tmp_path / "w.safetensors")


def test_calibrated_factors_cover_their_level_in_each_class():
    generator = np.random.default_rng(0)
    counts = generator.choice([5, 10, 20, 50, 100], 20_000)
    scores = np.abs(generator.normal(size=20_000)) * (1 + counts / 50)
    factors = calibrate(scores, counts)
    fresh = np.abs(generator.normal(size=20_000)) * (1 + counts / 50)
    for count in (5, 10, 20, 50, 100):
        own = fresh[counts == count]
        for level in (90, 50):
            assert abs((own <= factors[level][size_class(count)]).mean() - level / 100) < 0.03  # 4,000 draws


def test_a_longer_context_than_the_network_reads_is_thinned(network):
    found = answer(network, [make_quotes(2000)], [PLACES])[0]
    assert np.isfinite(found.implied_vol).all()
