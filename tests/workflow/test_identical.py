"""What is compared between two runs of a study, and what counts as different."""

import pytest

from workflow.identical import compared, differing

FILES = {
    "results/smoke/tables/data.tex": "1",
    "results/smoke/evaluation/errors/a/0.parquet": "2",
    "figures/smoke/a.pdf": "3",
    "results/smoke/tables/cost.tex": "seconds",
    "results/smoke/tables/cost.html": "seconds",
    "results/smoke/benchmarks/a.tsv": "seconds",
    "results/smoke/costs/a/0.json": "seconds",
    "results/smoke/logs/a.log": "seconds",
    "results/smoke/.lock": "",
    "workflow/Snakefile": "4",
}


@pytest.fixture
def folders(tmp_path):
    """Two folders in which a study ran."""
    pair = tmp_path / "first", tmp_path / "second"
    for folder in pair:
        for name, text in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    return pair


def test_measured_files_are_left_out(folders):
    first, second = folders
    assert compared(first) == set(list(FILES)[:3])
    for name in list(FILES)[3:]:
        (second / name).write_text("other")
    assert differing(first, second) == []


@pytest.mark.parametrize("name", list(FILES)[:3])
def test_one_byte_makes_a_difference(folders, name):
    (folders[1] / name).write_text("9")
    assert differing(*folders) == [name]


def test_a_file_that_one_run_lacks_is_a_difference(folders):
    (folders[0] / "figures/smoke/a.pdf").unlink()
    assert differing(*folders) == ["figures/smoke/a.pdf"]
