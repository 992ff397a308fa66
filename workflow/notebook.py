"""Fingerprint of a notebook, so that an edit of it, or of what it calls, makes its report anew."""

import ast
import hashlib
import json
from pathlib import Path

from ivyspt.fingerprint import fingerprint


def notebook_fingerprint(path: Path, root: Path) -> str:
    """Hash a notebook's cells, word by word, and the code of the modules under `root` that they import.

    Raises
    ------
    FingerprintError
        Code that it imports cannot be followed.
    """
    cells = json.loads(path.read_text())["cells"]
    texts = ["".join(cell["source"]) for cell in cells]
    code = "\n".join(text for text, cell in zip(texts, cells, strict=True) if cell["cell_type"] == "code")
    modules = sorted(name for name in _imported(code) if root.joinpath(*name.split(".")).with_suffix(".py").is_file())
    parts = [*texts, *(fingerprint(name, root) for name in modules)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _imported(code: str) -> set[str]:
    """Names that may be modules: each import and what is taken from it."""
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names
