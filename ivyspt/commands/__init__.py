"""Commands beside the stages, for a person at a terminal: `ivyspt provenance FILE` and its like.

One module a command, with a function `main(arguments: list[str]) -> int` that returns the exit status. Bad input raises
`DataError`, which the caller turns into one sentence.
"""

import pkgutil


def names() -> list[str]:
    """Every command, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))
