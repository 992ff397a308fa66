"""The sections of a study's configuration that its analyses read, one class an analysis."""

from ivyspt.sections import Section


class Analyses(Section):
    """What is studied beside the errors: every key is explained in `config/README.md`."""
