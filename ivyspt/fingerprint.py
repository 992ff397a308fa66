"""Fingerprint of the code that a job runs, so that Snakemake reruns what changed and nothing else.

Snakemake sees neither an edit of the library nor of a script that a shell command calls. Every rule that makes a number
or a picture therefore carries the fingerprint of its stage or script as a parameter.
"""

import ast
import hashlib
import sys
from pathlib import Path

# Every value of the configuration reaches a stage through its settings, which Snakemake compares on its own: a key that
# is added for one stage must not rerun the others.
DECLARED_APART = frozenset(
    f"ivyspt.{name}"
    for name in (
        "config",
        "analysis_config",
        "corpus_config",
        "evaluation_config",
        "flagship_config",
        "masking_config",
    )
)


class FingerprintError(ValueError):
    """Code cannot be followed: the message says which and what to do."""


def fingerprint(module: str, root: Path) -> str:
    """Hash the syntax trees of a module and of all that it imports from under `root`.

    Comments, docstrings and layout do not count.

    Parameters
    ----------
    module
        As in `ivyspt.stages.pretrain` or `workflow.scripts.figures.plot_losses`.
    root
        The folder that holds the packages.

    Raises
    ------
    FingerprintError
        There is no such module, or an import is relative or computed, so that it cannot be followed.
    """
    trees = {name: ast.dump(_without_docstrings(tree)) for name, (tree, _) in _followed(module, root).items()}
    listing = "".join(f"{name}\n{trees[name]}\n" for name in sorted(trees))
    return hashlib.sha256(listing.encode()).hexdigest()[:12]


def packages(module: str, root: Path) -> set[str]:
    """What a module, and all that it imports from under `root`, import from elsewhere, but for Python's own library."""
    names = {name for _, imported in _followed(module, root).values() for name in imported if "." not in name}
    return {name for name in names if name not in sys.stdlib_module_names and not (root / name).exists()}


def _followed(module: str, root: Path) -> dict[str, tuple[ast.Module, set[str]]]:
    """Syntax tree and imported names of a module and of each that it imports from under `root`."""
    start = _source(module, root)
    if start is None:
        raise FingerprintError(f"the workflow runs {module.replace('.', '/')}.py, which must exist, got no such file")
    followed: dict[str, tuple[ast.Module, set[str]]] = {}
    todo = [(module, start)]
    while todo:
        name, path = todo.pop()
        if name in followed or name in DECLARED_APART:
            continue
        tree = ast.parse(path.read_text(), filename=str(path))
        imported = _imports(tree, path)
        followed[name] = (tree, imported)
        todo += [(found, source) for found in imported if (source := _source(found, root))]
    return followed


def _source(module: str, root: Path) -> Path | None:
    path = root.joinpath(*module.split("."))
    return next((each for each in (path.with_suffix(".py"), path / "__init__.py") if each.is_file()), None)


def _imports(tree: ast.Module, path: Path) -> set[str]:
    """Names that may be modules: each import, what is taken from it, and the packages it lies in.

    What a module's `__getattr__` imports is left out: it runs only where someone asks the module for that name.
    """
    names = set()
    statements = [node for node in tree.body if getattr(node, "name", None) != "__getattr__"]
    for node in (inner for statement in statements for inner in ast.walk(statement)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise FingerprintError(f"{path}: imports must be absolute, got a relative one in line {node.lineno}")
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif _called(node) in {"import_module", "__import__"}:
            raise FingerprintError(f"{path}: imports must be written out, got a computed one in line {node.lineno}")
    parts = [name.split(".") for name in names]
    return {".".join(part[:length]) for part in parts for length in range(1, len(part) + 1)}


def _called(node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    return getattr(node.func, "attr", getattr(node.func, "id", None))


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if documented and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return tree
