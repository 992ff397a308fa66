"""Sentences that rank methods say what the intervals say; tables are shown as pages."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from workflow.scripts.tables import findings, show_table
from workflow.scripts.tables.tabulate_settings import rows, side_by_side
from workflow.scripts.tables.typesetting import table
from workflow.study import complete

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "baselines": {
        "spline": {"label": "spline"},
        "net": {"label": "net"},
        "ours": {"label": "ours", "method": "packaged"},
    },
    "runs": {"ivyspt": {"label": "IvySPT"}, "no_gate": {"label": "no gate"}, "no_kernel": {"label": "no kernel"}},
}


def method(low, high, mean=1.0):
    cell = {"mean": mean, "std": 0.1, "low": low, "high": high}
    return {"rmse": cell | {"difference": None if low is None else (low + high) / 2}}


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.1, 0.3, "its error is the larger one"),
        (-0.3, -0.1, "its error is the smaller one"),
        (-0.1, 0.3, "do not tell the two apart"),
        (None, None, "too few test days"),
    ],
)
def test_the_best_baseline_is_ranked_by_its_interval(low, high, said):
    text = findings.best_baseline({"ivyspt.pretrain": method(None, None), "spline": method(low, high)}, SETTINGS)
    assert said in text
    assert "spline" in text
    words = ("larger one", "smaller one", "tell the two apart", "too few")
    assert sum(word in text for word in words) == 1


def test_baselines_are_counted_by_their_standing():
    methods = {"ivyspt.pretrain": method(None, None), "ours": method(-0.3, -0.2)}
    methods |= {"spline": method(0.1, 0.2), "net": method(-0.1, 0.1)}
    text = findings.counted(methods, SETTINGS)
    assert text.startswith("Of 2 baselines 1 have an error whose interval lies above the model's, 0 one below, and 1 ")


@pytest.mark.parametrize(
    ("low", "high", "said"), [(0.1, 0.2, "lowers"), (-0.2, -0.1, "raises"), (-0.1, 0.1, "not tell")]
)
def test_fine_tuning_helps_where_the_error_before_it_was_larger(low, high, said):
    methods = {"ivyspt.finetune": method(None, None), "ivyspt.pretrain": method(low, high)}
    assert said in findings.fine_tuning(methods, "ivyspt")


def test_rows_of_the_ablation_stand_where_their_intervals_lie():
    rows = {"ivyspt.pretrain": method(None, None), "no_gate.pretrain": method(0.1, 0.2)}
    rows["no_kernel.pretrain"] = method(-0.1, 0.2)
    text = findings.ablation(rows, SETTINGS, "ivyspt.pretrain")
    assert text == "larger error, with an interval above zero: no gate; an interval that holds zero: no kernel."


def test_every_command_of_the_paper_is_listed_and_none_ranks_by_hand():
    paper = (ROOT / "workflow/paper/paper.tex").read_text()
    listed = (ROOT / "workflow/scripts/tables/list_numbers.py").read_text()
    used = set(re.findall(r"\\((?:Liquid|Sparse)\w+|[A-Z]\w+)", paper)) - {
        "Results",
        "Figures",
        "OtherTables",
        "OtherFigures",
        "Bigl",
        "Bigr",
    }
    assert used
    for name in used:
        stem = re.sub("^(Liquid|Sparse)", "", name)
        assert f'"{name}"' in listed or f"{{name}}{stem}" in listed or f"}}{stem}" in listed, name
    assert not re.search(r"outperform|better than|state of the art|beats", paper)


def test_settings_are_listed_once_each():
    study = complete(yaml.safe_load((ROOT / "config/smoke.yaml").read_text()))
    pairs = list(rows(study["runs"]["ivyspt"]["training"]))
    assert ("pretrain.epochs", "2") in pairs
    assert ("gradient clip", "1") in pairs
    both = side_by_side(pairs)
    assert [*(line[:2] for line in both), *(line[2:] for line in both if line[2])] == pairs


def test_a_page_shows_what_the_latex_says():
    tex = table(
        r"A \& B, 95\,\% of $\sigma$.",
        "t",
        ("run", r"MSE ($\sigma^2$)"),
        {"tier": [(r"A\_1", r"$-2.3 \times 10^{-6}$")]},
    )
    page = show_table.page(tex, "t", "")
    assert "<p>A &amp; B, 95\u2009% of σ.</p>" in page
    assert '<th>run</th><th class="number">MSE (σ<sup>2</sup>)</th>' in page
    assert '<th colspan="2">tier</th>' in page
    assert '<td>A_1</td><td class="number">−2.3 × 10<sup>-6</sup></td>' in page


def test_a_missing_tex_is_one_sentence(tmp_path):
    words = ["paper.tex", "results/paper.pdf", "results", "figures", "", ""]
    command = ["bash", str(ROOT / "workflow/paper/compile.sh"), *words]
    done = subprocess.run(
        command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False, executable="/bin/bash"
    )
    assert done.returncode == 1
    assert "results/paper.pdf needs latexmk" in done.stderr
    assert len(done.stderr.splitlines()) == 1
