"""Expiries and strikes: as many as said, in order, on a listed grid, ragged."""

import pytest
import torch

from ivyspt.corpus.clouds import draw_cloud
from ivyspt.corpus.expiries import STANDARD, draw_expiries
from ivyspt.corpus_config import Clouds

COUNT = 500
CLOUDS = Clouds()


@pytest.fixture(scope="module")
def drawn():
    generator = torch.Generator().manual_seed(1)
    expiries, listed, standard = draw_expiries(COUNT, CLOUDS, generator)
    std = 0.3 * expiries.sqrt()
    return expiries, listed, standard, draw_cloud(expiries, listed, standard, std, CLOUDS, generator)


def test_expiries_rise_within_the_range(drawn):
    expiries, listed, _, _ = drawn
    assert listed[:, 0].all()
    later = expiries[:, 1:] > expiries[:, :-1]
    assert torch.equal(later, listed[:, 1:])  # a repeated one is not listed
    days = expiries * 365
    assert days.min() >= CLOUDS.days[0] - 1e-9
    assert days.max() <= CLOUDS.days[1] + 1e-9
    numbers = listed.sum(1)
    assert set(numbers.tolist()) == set(range(1, CLOUDS.expiries + 1))


def test_a_vendors_maturities_are_constant(drawn):
    expiries, _, standard, _ = drawn
    days = (expiries[standard[:, 0]] * 365).round(decimals=6)
    assert torch.isin(days, STANDARD).all()
    assert 0.08 < standard.double().mean() < 0.22


def test_every_expiry_has_its_strikes_once_and_from_left_to_right(drawn):
    expiries, listed, _, cloud = drawn
    shape = (*expiries.shape, CLOUDS.strikes)
    there = cloud.listed.reshape(shape)
    assert torch.equal(there.any(2), listed)
    assert there.sum(2)[listed].min() >= 5
    k = torch.where(there, cloud.log_moneyness.reshape(shape), torch.nan)
    for row in k.reshape(-1, CLOUDS.strikes)[:2000]:
        strikes = row[~row.isnan()]
        assert torch.all(strikes.diff() > 0)


def test_candidates_carry_their_expiry_and_their_z(drawn):
    expiries, _, _, cloud = drawn
    assert torch.equal(expiries.gather(1, cloud.expiry), cloud.time_to_maturity)
    torch.testing.assert_close(cloud.z * 0.3 * cloud.time_to_maturity.sqrt(), cloud.log_moneyness)


def test_more_puts_than_calls_denser_near_the_money(drawn):
    z = drawn[3].z[drawn[3].listed]
    assert z.quantile(0.01) < -2
    assert -z.quantile(0.05) > z.quantile(0.95)
    near, next_to_it = ((z > -0.5) & (z < 0)).sum(), ((z > -1) & (z < -0.5)).sum()
    assert near > next_to_it


def test_reach_differs_by_expiry(drawn):
    expiries, listed, _, cloud = drawn
    shape = (*expiries.shape, CLOUDS.strikes)
    lowest = torch.where(cloud.listed.reshape(shape), cloud.z.reshape(shape), torch.inf).amin(2)
    many = listed.sum(1) >= 8
    spread = torch.stack([row[there].std() for row, there in zip(lowest[many], listed[many], strict=True)])
    assert spread.median() > 0.1


def test_strikes_of_one_surface_lie_on_one_grid():
    # forwards differ by expiry, so steps do between neighbours of one expiry alone
    clouds = Clouds(strike_step=(0.01, 0.01), weekly=1, monthly=0, standard=0, irregular=0)
    generator = torch.Generator().manual_seed(2)
    expiries, listed, standard = draw_expiries(50, clouds, generator)
    cloud = draw_cloud(expiries, listed, standard, 0.4 * expiries.sqrt(), clouds, generator)
    shape = (*expiries.shape, clouds.strikes)
    strike = cloud.log_moneyness.exp().reshape(shape)
    there = cloud.listed.reshape(shape)
    steps = (strike[..., 1:] - strike[..., :-1]) / 0.01
    both = there[..., 1:] & there[..., :-1]
    on_grid = torch.where(both, (steps - steps.round()).abs() < 1e-6, True).all(2)[listed]
    assert on_grid.double().mean() > 0.6  # the others are too short for the grid to leave five strikes
