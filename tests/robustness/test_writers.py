"""Nothing of the project writes a file but through `artefacts.whole`, and nothing of it unpickles or evaluates text."""

import ast
import json
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("ivyspt", "workflow", "tools", "envs") for path in (ROOT / folder).rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "workflow/notebooks").glob("*.ipynb"))
# methods that put bytes at a path, and what they are called with inside `with whole(path) as temporary`
WRITERS = {"write_text", "write_bytes", "write_parquet", "write_csv", "write_ipc", "savefig", "save_file", "to_csv"}
WRITERS |= {"to_parquet", "to_pickle", "savez", "write_image", "write_html", "ParquetWriter", "copyfile", "copytree"}
MAKERS = ("ivyspt", "workflow")  # of results; tools and envs write what is under version control, or copies
UNPICKLING = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
EVALUATING = {"eval", "exec", "compile"}
UNSAFE_YAML = {"load", "load_all", "unsafe_load", "full_load", "unsafe_load_all", "full_load_all"}


def code_of(path: Path) -> str:
    """Python source of a module or of a notebook's cells."""
    if path.suffix != ".ipynb":
        return path.read_text()
    cells = json.loads(path.read_text())["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def called(node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    return getattr(node.func, "attr", getattr(node.func, "id", None))


def whole_blocks(tree: ast.Module) -> list[tuple[int, int, str]]:
    """Lines of each `with whole(…) as name`, and the name."""
    return [
        (node.lineno, node.end_lineno, item.optional_vars.id)
        for node in ast.walk(tree)
        if isinstance(node, ast.With)
        for item in node.items
        if called(item.context_expr) == "whole" and isinstance(item.optional_vars, ast.Name)
    ]


def careless_writes(source: str) -> list[int]:
    """Lines that write other than to the temporary path of a `whole` block."""
    tree = ast.parse(source)
    blocks = whole_blocks(tree)
    lines = []
    for node in ast.walk(tree):
        name = called(node)
        opened = name == "open" and any(
            isinstance(each, ast.Constant) and isinstance(each.value, str) and set(each.value) & set("wax+")
            for each in [*node.args, *(keyword.value for keyword in node.keywords)]
            if isinstance(each, ast.Constant) and len(str(each.value)) <= 3
        )
        if name not in WRITERS and not opened:
            continue
        words = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        safe = any(first <= node.lineno <= last and temporary in words for first, last, temporary in blocks)
        in_memory = "buffer" in words or (name == "write_csv" and not node.args)  # an io.BytesIO, or a string
        own_writer = name == "write_text" and isinstance(node.func, ast.Name)  # artefacts.write_text
        if not (safe or in_memory or own_writer):
            lines.append(node.lineno)
    return lines


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if path.relative_to(ROOT).parts[0] in MAKERS],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_file_is_written_whole_or_not_at_all(path):
    allowed = {"ivyspt/artefacts.py": {"rb+"}, "workflow/guard.py": {"a+"}}.get(str(path.relative_to(ROOT)), set())
    lines = path.read_text().splitlines()
    found = careless_writes(path.read_text())
    found = [line for line in found if not any(f'"{mode}"' in lines[line - 1] for mode in allowed)]
    assert not found, f"{path}: line {found[0]} writes where a stop leaves half a file: use artefacts.whole"


@pytest.mark.parametrize(
    ("source", "careless"),
    [
        ("path.write_text('x')", True),
        ("open(path, 'w').write('x')", True),
        ("path.open('ab')", True),
        ("figure.savefig(path)", True),
        ("with whole(path) as temporary:\n    figure.savefig(temporary)", False),
        ("with whole(path) as temporary:\n    figure.savefig(path)", True),
        ("path.open('rb').read()", False),
        ("figure.savefig(buffer)", False),
    ],
)
def test_the_search_for_careless_writes_finds_them(source, careless):
    assert bool(careless_writes(source)) is careless


def unsafe(source: str) -> list[str]:
    """What a source does that runs code hidden in data."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else {node.module or ""}
            found += [f"line {node.lineno}: imports {name}" for name in names if name.split(".")[0] in UNPICKLING]
        name = called(node)
        owner = ast.unparse(node.func.value) if name and isinstance(node.func, ast.Attribute) else ""
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in getattr(node, "keywords", [])}
        wrong = (
            (not owner and name in EVALUATING and isinstance(node.func, ast.Name))
            or (owner == "yaml" and name in UNSAFE_YAML)
            or (owner == "torch" and name == "load" and keywords.get("weights_only") != "True")
            or (owner == "torch" and name == "save")
            or (name == "read_pickle")
            or keywords.get("allow_pickle") == "True"
            or keywords.get("shell") == "True"
            or (owner == "os" and name in {"system", "popen"})
        )
        if wrong:
            found.append(f"line {node.lineno}: calls {owner + '.' if owner else ''}{name}")
    return found


@pytest.mark.parametrize("path", [*SOURCES, *NOTEBOOKS], ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_runs_code_that_hides_in_data(path):
    assert unsafe(code_of(path)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import yaml\nyaml.load(text)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "eval(text)",
        "subprocess.run(text, shell=True)",
        "os.system(text)",
    ],
)
def test_the_search_for_hidden_code_finds_it(source):
    assert unsafe(source)


@pytest.mark.parametrize("path", sorted((ROOT / "config").rglob("*.yaml")), ids=lambda path: path.name)
def test_configurations_are_plain_yaml(path):
    assert isinstance(yaml.safe_load(path.read_text()), dict)
    assert "!!" not in path.read_text()
