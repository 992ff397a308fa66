"""What a method may know of the day before: the visible points of the same symbol, and of no later time."""

from datetime import timedelta

import numpy as np
import polars as pl

from ivyspt.evaluation.tasks import masked_surfaces
from tests.evaluation.conftest import make_study


def tasks_of(points, features, split, masks):
    return {task.context.surface_id: task.context for task in masked_surfaces(points, features, split, masks, "test")}


def test_yesterday_is_the_visible_surface_of_the_same_symbol():
    points, *rest = make_study()
    for surface_id, context in tasks_of(points, *rest).items():
        symbol = surface_id.split()[0]
        assert context.previous.surface_id == f"{symbol} 2024-01-03"
        visible = points.filter((pl.col("surface_id") == context.previous.surface_id) & pl.col("visible"))
        np.testing.assert_array_equal(context.previous.log_moneyness, visible["log_moneyness"].to_numpy())
        np.testing.assert_array_equal(context.previous.implied_vol, visible["implied_vol"].to_numpy())


def test_a_gap_in_the_data_leaves_no_yesterday():
    points, features, split, masks = make_study()
    last = pl.col("quote_time").dt.date() == split["date"].max()
    moved = points.with_columns(pl.when(last).then(pl.col("quote_time") + timedelta(days=9)).otherwise("quote_time"))
    dates = split.with_columns(
        pl.when(pl.col("split") == "test").then(pl.col("date") + timedelta(days=9)).otherwise("date").alias("date")
    )
    contexts = tasks_of(moved, features, dates, masks)
    assert contexts
    assert all(context.previous is None for context in contexts.values())


def test_what_comes_later_and_what_others_quote_does_not_matter():
    points, features, split, masks = make_study(days=4)
    dates = split.with_columns(split=pl.Series(["train", "test", "train", "train"]))
    tomorrow = pl.col("quote_time").dt.date() > dates["date"][1]
    changed = points.with_columns(
        pl.when(tomorrow | (pl.col("symbol") == "BBB")).then(9.0).otherwise("implied_vol").alias("implied_vol")
    )
    before, after = (tasks_of(each, features, dates, masks)["AAA 2024-01-03"] for each in (points, changed))
    assert before.previous.surface_id == after.previous.surface_id == "AAA 2024-01-02"
    np.testing.assert_array_equal(before.previous.implied_vol, after.previous.implied_vol)
