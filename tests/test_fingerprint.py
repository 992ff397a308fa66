"""A stage reruns for what changes its numbers and for nothing else."""

from pathlib import Path

import pytest

from ivyspt.fingerprint import FingerprintError, _followed, fingerprint

FILES = {
    "ivyspt/__init__.py": "def __getattr__(name):\n    from ivyspt.face import face\n\n    return face\n",
    "ivyspt/face.py": "face = 1\n",
    "ivyspt/config.py": "default = 1\n",
    "ivyspt/low.py": 'def f(x):\n    """Add one."""\n    return x + 1\n',
    "ivyspt/middle.py": "from ivyspt import low\n\n\ndef f(x):\n    return low.f(x)\n",
    "ivyspt/stage.py": "from ivyspt.config import default\nfrom ivyspt.middle import f\n",
    "ivyspt/other.py": "y = 1\n",
    "scripts/palette.py": "blue = 1\n",
    "scripts/plot.py": "import ivyspt.low\nfrom scripts.palette import blue\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("code", "file", "edit", "reruns"),
    [
        ("ivyspt.stage", "ivyspt/low.py", ("x + 1", "x + 2"), True),
        ("ivyspt.stage", "ivyspt/middle.py", ("low.f(x)", "low.f(2 * x)"), True),
        ("ivyspt.stage", "ivyspt/low.py", ("Add one", "Increment"), False),
        ("ivyspt.stage", "ivyspt/low.py", ("x + 1", "x + 1  # one"), False),
        ("ivyspt.stage", "ivyspt/low.py", ("x + 1", "(x + 1)"), False),
        ("ivyspt.stage", "ivyspt/low.py", ("return", "\n    return"), False),
        ("ivyspt.stage", "ivyspt/other.py", ("y = 1", "y = 2"), False),
        ("ivyspt.stage", "ivyspt/config.py", ("1", "2"), False),
        ("ivyspt.stage", "ivyspt/face.py", ("1", "2"), False),
        ("scripts.plot", "scripts/plot.py", ("palette import blue", "palette import blue as b"), True),
        ("scripts.plot", "scripts/palette.py", ("blue = 1", "blue = 2"), True),
        ("scripts.plot", "ivyspt/low.py", ("x + 1", "x + 2"), True),
        ("scripts.plot", "ivyspt/middle.py", ("low.f(x)", "low.f(2 * x)"), False),
    ],
)
def test_fingerprint_follows_the_code_that_runs(folder, code, file, edit, reruns):
    before = fingerprint(code, folder)
    text = (folder / file).read_text()
    assert edit[0] in text
    (folder / file).write_text(text.replace(*edit))
    assert (fingerprint(code, folder) != before) is reruns


def test_fingerprint_does_not_depend_on_where_the_checkout_lies(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "copy"
    folder.rename(elsewhere)
    there = fingerprint("ivyspt.stage", elsewhere)
    elsewhere.rename(folder)
    assert fingerprint("ivyspt.stage", folder) == there


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("from . import low\n", "relative"),
        ("import importlib\n\nlow = importlib.import_module('ivyspt.low')\n", "computed"),
        ("low = __import__('ivyspt.low')\n", "computed"),
    ],
)
def test_imports_that_cannot_be_followed_are_refused(folder, text, message):
    (folder / "ivyspt/middle.py").write_text(text)
    with pytest.raises(FingerprintError, match=message):
        fingerprint("ivyspt.stage", folder)


def test_a_stage_that_does_not_exist_is_named(folder):
    with pytest.raises(FingerprintError, match=r"ivyspt/stages/ghost\.py"):
        fingerprint("ivyspt.stages.ghost", folder)


def test_what_completes_a_user_s_quotes_does_not_decide_what_training_does():
    """The package offers `load_pretrained` by name; no stage comes by way of it."""
    root = Path(__file__).parents[1]
    for stage in ("read_surfaces", "pretrain", "evaluate"):
        modules = _followed(f"ivyspt.stages.{stage}", root)
        assert not [name for name in modules if name.startswith(("ivyspt.inference", "ivyspt.pretrained"))]
    assert "ivyspt.inference.engine" in _followed("ivyspt.stages.fit_baseline", root)  # the packaged weights are a row
