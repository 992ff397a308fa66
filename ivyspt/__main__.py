"""`python -m ivyspt STAGE …`: run one stage of the workflow."""

import importlib
import inspect
import json
import sys
from argparse import ArgumentParser
from pathlib import Path

from pydantic import ValidationError

from ivyspt import stages
from ivyspt.columns import DataError


def parser_of(stage: str) -> ArgumentParser:
    """Options of a stage: its settings as JSON and one option for each keyword of its `run`."""
    run = importlib.import_module(f"ivyspt.stages.{stage}").run
    parser = ArgumentParser(prog=f"ivyspt {stage}", description=inspect.getdoc(run))
    for name, parameter in inspect.signature(run).parameters.items():
        kind = parameter.annotation
        many = kind == list[Path]
        convert = json.loads if name == "settings" else Path if many else kind
        required = parameter.default is parameter.empty
        default = None if required else parameter.default
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=convert, nargs="+" if many else None, required=required, default=default
        )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the stage that the first argument names; bad input gives one sentence and exit status 1."""
    arguments = sys.argv[1:] if arguments is None else arguments
    names = stages.names()
    if not arguments or arguments[0] not in names:
        print(f"usage: python -m ivyspt STAGE [options]; STAGE must be one of {', '.join(names)}", file=sys.stderr)
        return 2
    stage = arguments[0]
    options = vars(parser_of(stage).parse_args(arguments[1:]))
    module = importlib.import_module(f"ivyspt.stages.{stage}")
    try:
        settings = module.Settings.model_validate(options.pop("settings"))
        module.run(settings, **options)
    except ValidationError as error:
        for problem in error.errors():
            key = ".".join(str(part) for part in problem["loc"])
            print(f"{stage}: setting {key}: {problem['msg']}, got {problem['input']!r}", file=sys.stderr)
        return 1
    except DataError as error:
        print(f"{stage}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
