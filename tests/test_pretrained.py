"""The public face: tables in, tables out, and a sentence for every bad one."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from ivyspt.certificate import certify
from ivyspt.columns import DataError
from ivyspt.flagship_config import Flagship
from ivyspt.mixture.bands import UNKNOWN, Bands
from ivyspt.mixture.network import FlagshipNetwork
from ivyspt.mixture.weights import save_flagship
from ivyspt.pretrained import MANY, Pretrained, load_pretrained

BANDS = Bands({UNKNOWN: {90: (2.0,) * 5, 50: (0.7,) * 5}, "mids": {90: (1.0,) * 5, 50: (0.5,) * 5}})
OUTPUT = [
    *("surface_id", "log_moneyness", "time_to_maturity", "implied_vol", "total_variance", "w_k", "w_kk", "w_tau"),
    *("durrleman_g", "iv_low_90", "iv_high_90", "iv_low_50", "iv_high_50"),
]


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "own.safetensors"
    network = FlagshipNetwork(Flagship(dimension=16, blocks=1, heads=2, components=2, knots=5, quote_kinds=True))
    torch.nn.init.normal_(network.quote_kinds)
    save_flagship(network, path, {}, BANDS)
    return path


@pytest.fixture(scope="module")
def model(weights) -> Pretrained:
    return load_pretrained(str(weights))


def make_context(**changes) -> pl.DataFrame:
    tau = np.repeat([0.1, 0.5], 4)
    k = np.tile([-0.2, -0.05, 0.05, 0.15], 2)
    table = pl.DataFrame(
        {
            "surface_id": ["A"] * 5 + ["B"] * 3,
            "log_moneyness": k,
            "time_to_maturity": tau,
            "implied_vol": 0.2 - 0.2 * k,
        }
    )
    return table.with_columns(**changes)


TARGETS = pl.DataFrame(
    {"surface_id": ["B", "A", "B"], "log_moneyness": [0.0, 0.1, -0.1], "time_to_maturity": [0.3, 0.1, 0.5]}
)


def first_becomes(value: float, column: str) -> dict:
    return {column: pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(value)).otherwise(pl.col(column))}


def test_the_answer_has_the_columns_and_the_order_asked_for(model):
    found = model.complete(make_context(), TARGETS)
    assert found.columns == OUTPUT
    assert found.select(TARGETS.columns).equals(TARGETS)
    assert (found["iv_low_90"] < found["iv_low_50"]).all()
    assert (found["iv_high_50"] < found["iv_high_90"]).all()
    np.testing.assert_allclose(
        found["total_variance"], found["implied_vol"] ** 2 * found["time_to_maturity"], rtol=1e-12
    )


def test_many_surfaces_are_answered_as_each_alone(model):
    generator = np.random.default_rng(0)
    names = [f"S{number}" for number in range(MANY)]
    contexts, places = [], []
    for name in names:
        count = int(generator.integers(3, 90))  # few knots and many
        tau = generator.choice([0.05, 0.1, 0.3, 0.8], count)
        k = 0.2 * np.sqrt(tau) * generator.normal(size=count)
        quoted = {"log_moneyness": k, "time_to_maturity": tau, "implied_vol": 0.2 - 0.1 * k + 0.3 * k**2}
        contexts.append(pl.DataFrame(quoted).with_columns(surface_id=pl.lit(name)))
        places.append(TARGETS.head(1 + count % 3).with_columns(surface_id=pl.lit(name)))
    threads = torch.get_num_threads()
    together = model.complete(pl.concat(contexts), pl.concat(places))
    assert torch.get_num_threads() == threads
    alone = pl.concat([model.complete(*pair) for pair in zip(contexts, places, strict=True)])
    for column in OUTPUT[3:]:
        np.testing.assert_allclose(together[column], alone[column], rtol=1e-3, atol=1e-5, err_msg=column)
    np.testing.assert_allclose(together["implied_vol"], alone["implied_vol"], rtol=1e-5)


def make_history(noise: float, surfaces: int = 12) -> pl.DataFrame:
    generator = np.random.default_rng(3)
    tau = np.tile(np.repeat([0.1, 0.25, 0.5], 8), surfaces)
    k = np.tile(np.linspace(-0.3, 0.2, 8), 3 * surfaces)
    vol = (0.2 - 0.2 * k) * np.exp(noise * generator.normal(size=k.size))
    names = np.repeat([f"H{number}" for number in range(surfaces)], 24)
    return pl.DataFrame({"surface_id": names, "log_moneyness": k, "time_to_maturity": tau, "implied_vol": vol})


def test_intervals_are_calibrated_on_ones_own_history(model):
    calm, rough = (model.calibrated(make_history(noise)) for noise in (0.003, 0.1))
    found, plain = calm.complete(make_context(), TARGETS), model.complete(make_context(), TARGETS)
    assert found.select(OUTPUT[:9]).equals(plain.select(OUTPUT[:9]))
    wide = rough.complete(make_context(), TARGETS)
    assert (
        (wide["iv_high_90"] / wide["iv_low_90"]).log() > 1.2 * (found["iv_high_90"] / found["iv_low_90"]).log()
    ).all()
    # as many of the quotes that are hidden in turn as the level says
    history = make_history(0.1)
    shown = history.filter(pl.int_range(pl.len()).over("surface_id") % 2 == 0)
    hidden = history.join(shown, on=history.columns, how="anti")
    answered = rough.complete(shown, hidden.drop("implied_vol"))
    inside = hidden["implied_vol"].is_between(answered["iv_low_90"], answered["iv_high_90"])
    assert 0.82 < inside.mean() < 0.97


@pytest.mark.parametrize(
    ("history", "sentence"),
    [
        (make_history(0.1, 5), "history: must have at least 200 quotes, got 120"),
        (make_history(0.1).with_columns(implied_vol=-pl.col("implied_vol")), "history: implied_vol must be positive"),
        (
            make_history(0.1).with_columns(
                quote_kind=pl.when(pl.col("surface_id") == "H1").then(pl.lit("mids")).otherwise(pl.lit("marks"))
            ),
            "history: must be of one quote_kind, got marks, mids",
        ),
    ],
)
def test_a_bad_history_is_refused_in_one_sentence(model, history, sentence):
    with pytest.raises(DataError, match=sentence):
        model.calibrated(history)


@pytest.mark.parametrize("kind", [pl.Categorical, pl.Enum(["B", "A"]), pl.Int64])
def test_names_of_surfaces_may_be_of_any_type(model, kind):
    """Categories are sorted by when they were first seen, here and there in another order."""
    plain = model.complete(make_context(), TARGETS)

    def renamed(table: pl.DataFrame) -> pl.DataFrame:
        name = pl.col("surface_id")
        return table.with_columns(name.replace_strict({"A": 7, "B": 5}) if kind == pl.Int64 else name.cast(kind))

    found = model.complete(renamed(make_context()), renamed(TARGETS))
    assert found.drop("surface_id").equals(plain.drop("surface_id"))


@pytest.mark.parametrize("kind", [pl.Categorical, pl.Enum(["A", "B"])])
def test_targets_may_name_surfaces_by_words_where_the_context_has_categories(model, kind):
    found = model.complete(make_context().with_columns(pl.col("surface_id").cast(kind)), TARGETS)
    assert found.equals(model.complete(make_context(), TARGETS))


def test_what_else_the_targets_hold_comes_back_in_its_place(model):
    asked = TARGETS.with_row_index("row").with_columns(implied_vol=0.0, note=pl.lit("mine"))
    found = model.complete(make_context(), asked)
    assert found.columns == [*asked.columns, *OUTPUT[4:]]
    assert found["row"].equals(asked["row"])
    assert (found["implied_vol"] > 0).all()


def test_pandas_works_as_well(model):
    found = model.complete(make_context().to_pandas(), TARGETS.to_pandas())
    assert found.equals(model.complete(make_context(), TARGETS))


def test_no_targets_give_an_empty_answer(model):
    assert model.complete(make_context(), TARGETS.clear()).columns == OUTPUT


def test_spreads_and_the_market_are_used_where_they_are_known(model):
    plain = model.complete(make_context(), TARGETS)
    bid, ask = pl.col("implied_vol") - 0.01, pl.col("implied_vol") + 0.01
    quoted = model.complete(make_context(implied_vol_bid=bid, implied_vol_ask=ask), TARGETS)
    market = model.complete(make_context(market_vol=pl.lit(0.2)), TARGETS)
    assert (plain["implied_vol"] - quoted["implied_vol"]).abs().max() > 0
    assert (plain["implied_vol"] - market["implied_vol"]).abs().max() > 0
    unknown = model.complete(make_context(market_vol=pl.lit(None, pl.Float64)), TARGETS)
    assert unknown.equals(plain)


def test_the_kind_of_quotes_chooses_the_reading_and_the_intervals(model):
    plain = model.complete(make_context(), TARGETS)
    mids = model.complete(make_context(quote_kind=pl.lit("mids")), TARGETS)
    assert (plain["implied_vol"] - mids["implied_vol"]).abs().min() > 0

    def width(found: pl.DataFrame) -> float:
        return float((found["iv_high_90"] / found["iv_low_90"]).log().mean())

    assert width(mids) < 0.8 * width(plain)
    assert model.complete(make_context(quote_kind=pl.lit(None, pl.String)), TARGETS).equals(plain)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (first_becomes(float("nan"), "implied_vol"), "implied_vol must be finite, got nan in 1 of 8 rows, first for"),
        ({"surface_id": pl.Series([None, *"AAAAAAA"])}, "surface_id must not be null, got None in 1 of 8 rows"),
        (first_becomes(-0.1, "implied_vol"), "implied_vol must be positive, got -0.1"),
        (first_becomes(-0.1, "time_to_maturity"), "time_to_maturity must lie between one day and 5 years"),
        (first_becomes(float("inf"), "log_moneyness"), "log_moneyness must be finite, got inf"),
        ({"implied_vol": pl.col("implied_vol") * 100}, "must be a decimal .* divide by 100"),
        ({"implied_vol": pl.lit("0.2")}, "implied_vol must be a number, got the type String"),
        ({"surface_id": pl.Series(["A"] * 7 + ["B"])}, "at least 3 quotes, got 1 for 'B'"),
        (first_becomes(-0.05, "log_moneyness"), "must stand once, got 2 rows"),
        ({"quote_kind": pl.lit("mid")}, "quote_kind must be marks, mids, smoothed or null, got mid in 8 of 8 rows"),
        (
            {"market_vol": pl.Series([0.2] * 7 + [0.3])},
            "market_vol must be the same in all rows of a surface, got 0.2 in 3 of 8 rows, first for surface 'B'",
        ),
        ({"market_vol": pl.lit(20.0)}, "market_vol must be a positive decimal, VIX / 100, got 20.0 in 8 of 8 rows"),
        ({"market_return": pl.lit(-1.3)}, "market_return must be a decimal, 0.01 for 1 %, got -1.3"),
        ({"treasury_rate": pl.lit(4.2)}, "treasury_rate must be a decimal, 0.04 for 4 %, got 4.2"),
        ({"treasury_rate": pl.lit("0.04")}, "treasury_rate must be a number, got the type String"),
        ({"implied_vol_ask": pl.col("implied_vol") * 100}, "implied_vol_ask must be a decimal .* divide by 100"),
        ({"implied_vol_bid": pl.lit(-1.0)}, "implied_vol_bid must not be NaN or negative"),
    ],
)
def test_a_bad_context_is_refused_in_one_sentence(model, changes, sentence):
    with pytest.raises(DataError, match=sentence) as caught:
        model.complete(make_context(**changes), TARGETS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("targets", "sentence"),
    [
        (TARGETS.with_columns(time_to_maturity=0.0), "targets: time_to_maturity must lie between one day"),
        (TARGETS.with_columns(surface_id=pl.lit("C")), "each surface_id must have quotes in the context, got none for"),
        (TARGETS.with_columns(surface_id=1), "surface_id must be of the context's type, String, got Int"),
        (TARGETS.with_columns(surface_id=["A"]), "surface_id must be of the context's type, String, got List"),
        (TARGETS.drop("log_moneyness"), "must have the columns .* got no log_moneyness"),
    ],
)
def test_bad_targets_are_refused(model, targets, sentence):
    with pytest.raises(DataError, match=sentence):
        model.complete(make_context(), targets)


def test_ten_thousand_quotes_are_answered(model):
    generator = np.random.default_rng(0)
    k, tau = generator.normal(size=10_000) * 0.1, generator.uniform(0.05, 1.0, 10_000)
    context = pl.DataFrame(
        {"surface_id": "A", "log_moneyness": k, "time_to_maturity": tau, "implied_vol": 0.2 - 0.1 * k}
    )
    found = model.complete(context, TARGETS.with_columns(surface_id=pl.lit("A")))
    assert (found["implied_vol"] - 0.2).abs().max() < 0.05


def test_the_certificate_finds_nothing(model):
    found = certify(model, make_context())
    assert [each["surface_id"] for each in found] == ["A", "B"]
    assert all(each["violations"] == 0 for each in found)


def test_the_command_writes_answers_and_a_certificate(weights, tmp_path):
    make_context().write_parquet(tmp_path / "context.parquet")
    TARGETS.write_csv(tmp_path / "targets.csv")
    command = [sys.executable, "-m", "ivyspt", "complete", "--context", tmp_path / "context.parquet"]
    command += ["--targets", tmp_path / "targets.csv", "--output", tmp_path / "out.parquet", "--repair"]
    command += ["--weights", weights, "--certificate", tmp_path / "certificate.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert pl.read_parquet(tmp_path / "out.parquet").columns == OUTPUT
    assert "proposition 3.5" in (tmp_path / "certificate.json").read_text()
    (tmp_path / "context.parquet").write_bytes(b"not a table")
    broken = subprocess.run(command, capture_output=True, text=True, check=False)
    assert broken.returncode == 1
    assert "must be a readable table" in broken.stderr
    assert "Traceback" not in broken.stderr


def test_unknown_weights_are_refused():
    with pytest.raises(DataError, match=r"weights must be one of .* or a .safetensors file, got nonsense"):
        load_pretrained("nonsense")
