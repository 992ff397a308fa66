"""What the figure of smiles draws."""

import polars as pl
import pytest

from workflow.scripts.figures.plot_smiles import answers, example, limits


def predicted(run: str, error: float, surfaces: int = 3) -> pl.DataFrame:
    """Answers off by `error`, more so on each next surface, two maturities by two strikes each."""
    rows = [
        {"run": run, "set": "target", "tier": "sparse", "mask": "visible", "surface_id": f"A {n}", "point": point}
        | {"time_to_maturity": tau, "log_moneyness": k, "implied_vol": 0.2, "implied_vol_fitted": 0.2 + error * (n + 1)}
        for n in range(surfaces)
        for point, (tau, k) in enumerate([(0.2, 0.1), (0.2, -0.1), (0.1, 0.1), (0.1, -0.1)])
    ]
    return pl.DataFrame(rows)


def test_every_method_answers_at_the_targets_of_the_surface_and_ours_is_drawn_last(tmp_path):
    asked = example(predicted("ivyspt.finetune", 0.01)).sort("time_to_maturity", "log_moneyness")
    assert asked["surface_id"].unique().to_list() == ["A 1"]  # the error in the middle
    for run in ("cubic_spline", "dense_net"):
        predicted(run, 0.05).write_parquet(tmp_path / f"{run}.parquet")
    fits = answers([tmp_path / "cubic_spline.parquet", tmp_path / "dense_net.parquet"], asked)
    assert list(fits) == ["dense_net", "cubic_spline", "ivyspt.finetune"]
    for run, fit in fits.items():
        assert fit.select("surface_id", "point").equals(asked.select("surface_id", "point"))
        assert fit["implied_vol_fitted"][0] == pytest.approx(0.22 if run.startswith("ivyspt") else 0.3)


def test_limits_are_those_of_the_quotes_and_a_margin():
    assert limits(pl.Series([0.2, 0.3, 0.24])) == pytest.approx((17.5, 32.5))
