"""The claims of docs/artifact.md are the committed numbers."""

import re
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).parents[2]
CELL = re.compile(r"\| `([\w.]+) ([\w.]+) ([\w.]+) ([\w.]+)` \| ([\d.]+) ± ([\d.]+) \|")
CLAIMS = CELL.findall((ROOT / "docs/artifact.md").read_text())


def test_there_are_claims():
    assert len(CLAIMS) >= 8


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: " ".join(claim[:4]))
def test_a_claim_is_the_committed_number(claim):
    *key, value, tolerance = claim
    committed = pl.read_csv(ROOT / "results/expected/qmoms-2023.csv")
    row = committed.filter(
        *(pl.col(name) == part for name, part in zip(("method", "tier", "mask", "metric"), key, strict=True))
    )
    assert row.height == 1
    for stated, column in ((value, "value"), (tolerance, "tolerance")):
        decimals = len(stated.partition(".")[2])
        assert float(stated) == pytest.approx(row[column][0], abs=0.5001 * 10.0**-decimals)
