"""Batches of the corpus: shapes, masks, determinism, and exact targets on the surfaces that were drawn."""

from dataclasses import fields

import pytest
import torch

from ivyspt.columns import DataError
from ivyspt.corpus.corpus import draw
from ivyspt.corpus_config import Corpus, Events, Noise

SURFACES, CONTEXT, TARGETS = 64, 100, 50


@pytest.fixture(scope="module")
def batch():
    return draw(7, SURFACES, CONTEXT, TARGETS)


def test_shapes_and_precision(batch):
    for field in fields(batch):
        value = getattr(batch, field.name)
        columns = {"context": (CONTEXT,), "present": (CONTEXT,), "target": (TARGETS,), "family": ()}
        assert value.shape == (SURFACES, *columns[field.name.split("_", maxsplit=1)[0]])
        assert value.dtype in {torch.float32, torch.bool, torch.int64}


def test_the_same_seed_gives_the_same_batch(batch):
    again, other = draw(7, SURFACES, CONTEXT, TARGETS), draw(8, SURFACES, CONTEXT, TARGETS)
    from_generator = draw(torch.Generator().manual_seed(7), SURFACES, CONTEXT, TARGETS)
    for field in fields(batch):
        ours = getattr(batch, field.name)
        for same in (again, from_generator):
            torch.testing.assert_close(getattr(same, field.name), ours, rtol=0, atol=0, equal_nan=True)
    assert not torch.equal(other.context_implied_vol, batch.context_implied_vol)


def test_a_generator_moves_on():
    generator = torch.Generator().manual_seed(1)
    first, second = (draw(generator, 4, 20, 10) for _ in range(2))
    assert not torch.equal(first.target_implied_vol, second.target_implied_vol)


def test_three_context_points_at_least_and_padding_repeats_the_first(batch):
    assert batch.present.sum(1).min() >= 3
    for name in ("log_moneyness", "time_to_maturity", "implied_vol"):
        table = getattr(batch, f"context_{name}")
        padded = table[~batch.present]
        assert torch.equal(padded, table[:, :1].expand_as(table)[~batch.present])


def test_every_number_is_finite_and_in_its_domain(batch):
    for name in ("context_implied_vol", "target_implied_vol", "target_clean_implied_vol"):
        values = getattr(batch, name)
        assert torch.all((values > 0) & (values < 10))
    days = torch.cat((batch.context_time_to_maturity, batch.target_time_to_maturity), 1) * 365
    assert days.min() >= 1.4  # half of the shortest longest expiry
    assert days.max() < 913
    assert batch.context_log_moneyness.isfinite().all()
    assert batch.target_log_moneyness.isfinite().all()


def test_targets_without_noise_are_exact():
    batch = draw(3, 32, 60, 40, Corpus(noise=Noise(clean=1.0, stale_surfaces=0.0)))
    torch.testing.assert_close(batch.target_implied_vol, batch.target_clean_implied_vol, rtol=0, atol=0)


def test_noise_moves_quotes_but_not_the_surface(batch):
    assert not torch.equal(batch.target_implied_vol, batch.target_clean_implied_vol)


def test_no_target_is_a_shown_quote(batch):
    for row in range(SURFACES):
        there = batch.present[row]
        same = (batch.target_log_moneyness[row][:, None] == batch.context_log_moneyness[row][there]) & (
            batch.target_time_to_maturity[row][:, None] == batch.context_time_to_maturity[row][there]
        )
        assert not same[batch.target_quoted[row]].any()


def test_targets_lie_on_quotes_and_anywhere(batch):
    assert 0.3 < batch.target_quoted.double().mean() <= 0.6
    listed = torch.isin(batch.target_time_to_maturity, batch.context_time_to_maturity)
    assert (~listed & ~batch.target_quoted).any()


def test_context_and_targets_are_of_one_surface():
    # without noise, skew or events a surface of one variance level has that vol everywhere
    flat = {
        "vols": (0.2, 0.2),
        "kinds": {"flat": {"share": 1, "long_vol": 0.2, "left": 1e-6, "right": 1e-6, "spread": 0}},
    }
    corpus = Corpus.model_validate(
        {
            "families": {"essvi": 1.0},
            "essvi": flat,
            "events": Events(share=0.0),
            "noise": Noise(clean=1.0, stale_surfaces=0.0),
        }
    )
    batch = draw(0, 16, 40, 20, corpus)
    for vols in (batch.context_implied_vol, batch.target_implied_vol):
        torch.testing.assert_close(vols, torch.full_like(vols, 0.2), rtol=1e-5, atol=0)


def test_a_family_without_a_pool_is_left_out(batch):
    assert torch.all(batch.family == list(Corpus().families).index("essvi"))
    with pytest.raises(DataError, match="families must name essvi or one that has a pool"):
        draw(0, 4, 10, 5, Corpus(families={"heston": 1.0}))


def test_an_unknown_family_is_refused():
    with pytest.raises(ValueError, match="families must be essvi, sabr, heston or bates, got svi"):
        Corpus(families={"svi": 1.0})
