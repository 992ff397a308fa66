"""Surfaces whose arbitrage is known, judged by derivatives, differences and prices."""

import numpy as np
import polars as pl
import pytest

from ivyspt.evaluation.audit import audit_surfaces
from ivyspt.evaluation.price_space import price_violations
from ivyspt.svi import raw_svi
from tests.evaluation.conftest import EVALUATION, Analytic, Mute
from tests.evaluation.test_predictions import make_study, predicted

VOGT = {"a": -0.0410, "b": 0.1331, "rho": 0.3060, "m": 0.3586, "sigma": 0.4153}  # Gatheral & Jacquier, example 3.1


def flat(k, tau):
    return 0.04 * tau, 0 * k, 0 * k, 0.04 + 0 * k


def vogt(k, tau):
    w, w_k, w_kk = raw_svi(k, **VOGT)
    return w * tau, w_k * tau, w_kk * tau, w


def decreasing(k, tau):
    """Total variance falls with maturity: calendar arbitrage everywhere, no butterflies."""
    return 0.05 - 0.01 * tau + 0 * k, 0 * k, 0 * k, -0.01 + 0 * k


def steep(k, tau):
    """A right wing of slope 2.5, beyond Lee's bound of 2."""
    slope, smooth = 2.5, np.sqrt(k**2 + 0.04)
    rise = slope / 2 * (1 + k / smooth)
    return 0.04 * tau + slope / 2 * (k + smooth), rise, slope / 2 * 0.04 / smooth**3, 0.04 + 0 * k


def audited(method):
    """Audit of two surfaces, of which the first of each tier is judged in prices too."""
    # the at-the-money vol of the context scales the grid to the slice of Vogt
    table = audit_surfaces(predicted(method, make_study(vol=0.1335)), EVALUATION, 0)
    assert table.height == 2
    return table


def test_flat_surface_is_clean_to_every_judge():
    found = audited(Analytic(flat))
    assert found["violating"].to_list() == [False, False]
    assert found["violating_prices"].to_list() == [False, False]
    assert found["min_g"].to_list() == pytest.approx([1, 1])
    assert found["disagreeing_share"].max() == 0
    assert found["negative_mass"].max() == 0


def test_slice_of_vogt_is_flagged_by_every_judge():
    found = audited(Analytic(vogt))
    assert (found["butterfly_share"] > 0).all()
    assert (found["butterfly_share_difference"] > 0).all()
    assert (found["calendar_share"] == 0).all()
    assert (found["price_butterfly"] > 0).all()
    assert (found["negative_mass"] > 0).all()
    assert (found["min_g"] < -0.01).all()
    assert found["disagreeing_share"].max() == 0


def test_calendar_arbitrage_is_flagged_by_every_judge():
    found = audited(Analytic(decreasing))
    assert (found["calendar_share"] == 1).all()
    assert (found["calendar_share_difference"] == 1).all()
    assert (found["butterfly_share"] == 0).all()
    calendar = ["price_calendar_spread", "price_calendar_vertical", "price_calendar_butterfly"]
    assert (found.select(pl.sum_horizontal(calendar)).to_series() > 0).all()


def test_a_wing_beyond_lees_bound_is_flagged():
    found = audited(Analytic(steep))
    assert (found["wing_slope"] > 2).all()
    assert found["violating_derivatives"].all()


def test_without_derivatives_prices_alone_judge_and_the_unjudged_is_not_clean():
    points, features, split, masks = make_study(vol=0.1335)
    both = points.with_columns(tier=pl.lit("liquid"))  # two audited surfaces of one tier, one of them judged in prices
    for surface, verdict in ((flat, False), (vogt, True)):
        method = Analytic(surface, derivatives=False)
        found = audit_surfaces(predicted(method, (both, features, split, masks)), EVALUATION, 0)
        assert found["violating_derivatives"].null_count() == 2
        assert found["min_g"].null_count() == 2
        assert found["violating"].null_count() == 1
        assert found["violating"].drop_nulls().to_list() == [verdict]


def test_a_mute_method_is_scored_as_violating():
    found = audited(Mute())
    assert (found["failures"] == found["nodes"]).all()
    assert found["violating"].all()
    assert found["violating_prices"].all()


def test_wrong_derivatives_are_seen_by_differences():
    def pretending(k, tau):
        w, w_k, _, w_tau = vogt(k, tau)
        return w, w_k, 0 * k + 10, w_tau  # so convex that g is nowhere negative

    found = audited(Analytic(pretending))
    assert (found["butterfly_share"] == 0).all()
    assert (found["disagreeing_share"] > 0.5).all()
    assert found["violating_derivatives"].all()


def test_the_referee_sees_a_single_mispriced_node():
    z, tau = np.meshgrid(np.linspace(-3, 3, 13), [0.1, 0.3, 1.0])
    k, tau = (z * 0.2 * np.sqrt(tau)).ravel(), tau.ravel()
    w = 0.04 * tau
    assert set(price_violations(k, tau, w, 1e-9, 1).values()) == {0}
    dented = w.copy()
    dented[13 + 6] *= 1.3  # at the money, middle expiry: dearer than its neighbours allow
    found = price_violations(k, tau, dented, 1e-9, 1)
    assert found["butterfly"] == 1
    order = np.random.default_rng(0).permutation(len(k))
    assert price_violations(k[order], tau[order], dented[order], 1e-9, 1) == found
