"""The attention weights that are read out are those that the block used."""

import numpy as np
import polars as pl
import pytest
import torch
from scipy.stats import entropy

from ivyspt.analyses.attention import attention_maps, attention_summary, last_block, place_targets
from ivyspt.analysis_config import Place
from ivyspt.batches.batch import collate
from ivyspt.columns import DataError
from ivyspt.model.market import FEATURES
from tests.analyses.conftest import make_tasks
from tests.conftest import make_batch, make_model

PLACES = [Place(z=-1.0, days=30), Place(z=0.5, days=60)]


def heads_together(attention, heads):
    """(batch, head, target, width) to the attention's output."""
    return attention.output(heads.transpose(-3, -2).flatten(-2)[None])[0]


def test_weights_sum_to_one_and_padding_has_none():
    batch = make_batch()
    attended = last_block(make_model(), batch)
    for weights in (attended.own, attended.market):
        torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights[..., 0]), rtol=0, atol=1e-12)
        assert (weights >= 0).all()
    padded = ~batch.present[:, None, None, :].expand_as(attended.own[..., :-1])
    assert padded.any()
    assert (attended.own[..., :-1][padded] == 0).all()


@pytest.mark.parametrize("settings", [{}, {"fusion": "add"}], ids=["gate", "added"])
def test_weights_reproduce_the_blocks_output(settings):
    model, batch, seen = make_model(**settings), make_batch(), []
    block = model.encoder.blocks[-1]
    handle = block.register_forward_hook(lambda module, arguments, output: seen.append((arguments, output)))
    attended = last_block(model, batch)
    handle.remove()
    (tokens, ((_, values), (_, market_values)), *_), (output, _) = seen[-1]
    with torch.no_grad():
        _, own_value = block.self_attention.remember(tokens)
        looked = attended.own[..., :-1] @ values[0] + attended.own[..., -1:] * own_value[0]
        own = block.self_norm(tokens + heads_together(block.self_attention, looked))
        asked = heads_together(block.market_attention, attended.market @ market_values[0])
        market = block.market_norm(tokens + asked)
        gated = attended.gate is not None
        fused = attended.gate * own + (1 - attended.gate) * market if gated else own + market
        fused = block.fusion_norm(tokens + fused)
        again = block.output_norm(fused + block.feed_forward(fused, None))
    assert len(seen) == 1
    torch.testing.assert_close(again, output, rtol=1e-10, atol=1e-12)


def test_a_map_holds_each_context_point_with_its_weight():
    model, tasks = make_model(), make_tasks()[:2]
    maps = attention_maps(model, tasks, PLACES)
    sums = maps.group_by("surface_id", "target", "head", "attention").agg(pl.col("weight").sum())
    assert sums.height == 2 * len(PLACES) * 2 * 2
    np.testing.assert_allclose(sums["weight"], 1.0, rtol=0, atol=1e-12)
    task = tasks[1]
    targets = place_targets(task.context, PLACES)
    weights = last_block(model, collate([(task.context, targets)])).own[0, 1, 0]
    rows = maps.filter(
        (pl.col("surface_id") == task.context.surface_id)
        & (pl.col("attention") == "self")
        & (pl.col("head") == 1)
        & (pl.col("target") == 0)
    )
    np.testing.assert_array_equal(rows["log_moneyness"].drop_nulls(), task.context.log_moneyness)
    np.testing.assert_array_equal(rows["time_to_maturity"].drop_nulls(), task.context.time_to_maturity)
    np.testing.assert_allclose(rows["weight"], weights.numpy(), rtol=1e-12)
    assert rows["key"][-1] == "itself"
    market = maps.filter((pl.col("attention") == "market") & (pl.col("target") == 0) & (pl.col("head") == 0))
    assert market["key"].to_list() == [*FEATURES] * 2


def test_targets_stand_where_a_trader_would_put_them():
    context = make_tasks()[0].context
    targets = place_targets(context, PLACES)
    np.testing.assert_allclose(targets.time_to_maturity, [30 / 365, 60 / 365])
    z = targets.log_moneyness / (context.at_the_money_vol * np.sqrt(targets.time_to_maturity))
    np.testing.assert_allclose(z, [-1.0, 0.5])


def test_no_surface_gives_an_empty_map():
    maps = attention_maps(make_model(), [], PLACES)
    assert maps.is_empty()
    assert "weight" in maps.columns


def test_the_summary_is_of_every_target_alone():
    model, tasks = make_model(), make_tasks()
    summary = attention_summary(model, tasks)
    alone = [last_block(model, collate([(task.context, task.asked)])) for task in tasks]
    mean = {(head, measure): value for head, measure, value in summary.select("head", "measure", "mean").iter_rows()}
    for head in (0, 1):
        entropies = np.concatenate([entropy(each.own[0, head].numpy(), axis=-1) for each in alone])
        assert mean[head, "self_entropy"] == pytest.approx(entropies.mean(), rel=1e-9)
        assert mean[head, "self_points"] == pytest.approx(np.exp(entropies).mean(), rel=1e-9)
        even = [np.log(len(task.context.implied_vol) + 1) for task in tasks for _ in task.asked.implied_vol]
        assert mean[head, "self_entropy_share"] == pytest.approx((entropies / even).mean(), rel=1e-9)
        shares = [mean[head, f"market_on_{name}"] for name in FEATURES]
        assert sum(shares) == pytest.approx(1, abs=1e-12)
        market = np.concatenate([entropy(each.market[0, head].numpy(), axis=-1) for each in alone])
        assert mean[head, "market_entropy_share"] == pytest.approx(market.mean() / np.log(5), rel=1e-9)
    gates = torch.cat([(1 - each.gate[0]).mean(-1) for each in alone])
    assert mean[None, "market_weight"] == pytest.approx(gates.mean().item(), rel=1e-9)


def test_a_model_without_the_market_has_no_market_weights():
    summary = attention_summary(make_model(external_attention=False), make_tasks())
    assert not summary["measure"].str.starts_with("market").any()
    maps = attention_maps(make_model(external_attention=False), make_tasks()[:1], PLACES)
    assert set(maps["attention"]) == {"self"}


def test_a_single_market_token_takes_all_the_weight():
    summary = attention_summary(make_model(market_tokens="single"), make_tasks())
    market = summary.filter(pl.col("measure").str.starts_with("market_on_"))
    assert market["measure"].unique().to_list() == ["market_on_market"]
    assert (market["mean"] == 1).all()


def test_targets_that_see_each_other_are_refused():
    with pytest.raises(DataError, match="target_attention all"):
        last_block(make_model(target_attention="all"), make_batch())
