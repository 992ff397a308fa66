"""Patterns of shown quotes: each hides what its name says, and always leaves three."""

import pytest
import torch

from ivyspt.corpus.clouds import draw_cloud
from ivyspt.corpus.contexts import shown_and_held_out
from ivyspt.corpus.expiries import draw_expiries
from ivyspt.corpus_config import Clouds, Contexts

COUNT, CONTEXT, TARGETS = 300, 100, 40


def division(pattern, seed=0, quotes=(3, 200), clouds=Clouds()):  # noqa: B008 - a frozen section
    """The cloud, and z, tau, expiry and column masks of shown and of held-out quotes."""
    generator = torch.Generator().manual_seed(seed)
    expiries, listed, standard = draw_expiries(COUNT, clouds, generator)
    cloud = draw_cloud(expiries, listed, standard, 0.3 * expiries.sqrt(), clouds, generator)
    contexts = Contexts(patterns={pattern: 1.0}, quotes=quotes)
    return cloud, shown_and_held_out(cloud, CONTEXT, TARGETS, contexts, generator)


PATTERNS = list(Contexts().patterns)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_three_listed_quotes_are_shown_and_none_twice(pattern):
    cloud, (shown, present, held_out, quoted) = division(pattern)
    assert present.sum(1).min() >= 3
    assert cloud.listed.gather(1, shown)[present].all()
    assert cloud.listed.gather(1, held_out)[quoted].all()
    for row in range(COUNT):
        chosen = torch.cat((shown[row][present[row]], held_out[row][quoted[row]]))
        assert len(chosen.unique()) == len(chosen)


def test_numbers_of_shown_quotes_are_log_uniform():
    _, (_, present, _, _) = division("random", quotes=(3, 100), clouds=Clouds(min_strikes=24))
    number = present.sum(1).double()
    assert number.max() > 80
    median = (3 * 100) ** 0.5
    assert abs(number.median().log() - torch.tensor(median).log()) < 0.35  # surfaces of one expiry have few


def test_all_that_is_listed_and_not_shown_may_be_held_out():
    cloud, (_, present, _, quoted) = division("random")
    left = cloud.listed.sum(1) - present.sum(1)
    assert torch.equal(quoted.sum(1), left.clamp(max=TARGETS))


def beyond(coordinate, index, columns, bound):
    return (coordinate.gather(1, index) * columns).abs().amax(1) > bound


def test_near_the_money_shows_what_is_near():
    cloud, (shown, present, held_out, quoted) = division("near_the_money", clouds=Clouds(min_strikes=20))
    far = beyond(cloud.z, shown, present, 1.0)
    assert far.double().mean() < 0.1  # only where three quotes are not near
    assert beyond(cloud.z, held_out, quoted, 1.0).double().mean() > 0.8


def test_one_expiry_is_one():
    cloud, (shown, present, _, _) = division("one_expiry")
    expiry = cloud.expiry.gather(1, shown)
    assert torch.all((expiry == expiry[:, :1]) | ~present)


def test_nine_quotes_are_three_strikes_of_three_expiries():
    cloud, (shown, present, _, _) = division("nine_quotes")
    number = present.sum(1)
    assert (number == 9).double().mean() > 0.6
    for row in (number == 9).nonzero()[:, 0]:
        counts = torch.bincount(cloud.expiry[row][shown[row][:9]])
        assert sorted(counts[counts > 0].tolist()) == [3, 3, 3]


def test_hidden_expiries_are_not_shown_but_asked():
    cloud, (shown, present, held_out, quoted) = division("expiries_hidden")
    new = torch.zeros(COUNT, dtype=torch.bool)
    for row in range(COUNT):
        seen = cloud.expiry[row][shown[row][present[row]]]
        new[row] = ~torch.isin(cloud.expiry[row][held_out[row][quoted[row]]], seen).all()
    assert new.double().mean() > 0.7


@pytest.mark.parametrize(("pattern", "sign"), [("short_end_hidden", 1), ("long_end_hidden", -1)])
def test_an_end_is_hidden(pattern, sign):
    cloud, (shown, present, held_out, quoted) = division(pattern, quotes=(100, 101))
    log_tau = sign * cloud.time_to_maturity.log()
    lowest_shown = torch.where(present, log_tau.gather(1, shown), torch.inf).amin(1)
    lowest_asked = torch.where(quoted, log_tau.gather(1, held_out), torch.inf).amin(1)
    assert (lowest_asked < lowest_shown).double().mean() > 0.7


def test_a_wing_is_hidden():
    cloud, (shown, present, held_out, quoted) = division("wings_hidden", quotes=(100, 101))
    z, asked = cloud.z.gather(1, shown), cloud.z.gather(1, held_out)
    right = torch.where(quoted, asked, -torch.inf).amax(1) > torch.where(present, z, -torch.inf).amax(1)
    left = torch.where(quoted, asked, torch.inf).amin(1) < torch.where(present, z, torch.inf).amin(1)
    assert (left | right).double().mean() > 0.9
    assert 0.1 < (left & right).double().mean() < 0.7


def test_clustered_quotes_lie_closer_than_random_ones():
    def width(pattern):
        cloud, (shown, present, _, _) = division(pattern, quotes=(9, 9), clouds=Clouds(min_strikes=20))
        z = cloud.z.gather(1, shown)
        return torch.stack([row[there].std() for row, there in zip(z, present, strict=True)]).median()

    assert width("clustered") < 0.7 * width("random")
