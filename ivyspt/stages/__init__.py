"""One module for each rule of the workflow: read files, call the library, write files.

A stage has a `Settings` section (the parts of the configuration that it reads) and a function `run(settings, *, …)`
whose keywords are its command-line options.
"""

import pkgutil


def names() -> list[str]:
    """Every stage, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))
