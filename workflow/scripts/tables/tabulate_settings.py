"""Every setting of the study's model, losses and training."""

from collections.abc import Iterator, Mapping

from workflow.scripts.names import data_label
from workflow.scripts.tables.typesetting import escape, options, table, write

HEADER = ("setting", "value", "setting", "value")
SECTIONS = ("model", "losses", "training")
NONE = "none"


def rows(section: Mapping, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Key and value of each setting; keys of a section within a section follow its name and a dot."""
    for key, setting in section.items():
        if isinstance(setting, Mapping):
            yield from rows(setting, f"{prefix}{key}.")
        else:
            yield escape(f"{prefix}{key}".replace("_", " ")), escape(shown(setting))


def shown(setting: object) -> str:
    """A value as a reader expects it."""
    if isinstance(setting, bool):
        return "yes" if setting else "no"
    if isinstance(setting, float):
        return f"{setting:g}"
    if isinstance(setting, list):
        return ", ".join(shown(each) for each in setting)
    return NONE if setting is None else str(setting).replace("_", " ")


def side_by_side(pairs: list[tuple[str, str]]) -> list[tuple[str, ...]]:
    """The first half of the pairs beside the second."""
    half = -(-len(pairs) // 2)
    right = [*pairs[half:], ("", "")][:half]
    return [(*one, *other) for one, other in zip(pairs[:half], right, strict=True)]


def main() -> None:
    """Typeset."""
    chosen = options(__doc__)
    run = chosen.settings["runs"][chosen.settings["evaluation"]["reference"].split(".")[0]]
    blocks = {name: side_by_side(list(rows(run[name]))) for name in SECTIONS}
    caption = (
        f"Settings of the study's model ({escape(run['label'])}), its losses and its training; keys as in the "
        f"configuration, where each is explained. Data: {escape(data_label(chosen.settings))}."
    )
    write(table(caption, "settings", HEADER, blocks), chosen.tex)


if __name__ == "__main__":
    main()
