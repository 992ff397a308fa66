"""`python -m ivyspt STAGE …`: run one stage of the workflow, or a command such as `provenance`."""

import importlib
import inspect
import json
import sys
from argparse import ArgumentParser
from pathlib import Path

from pydantic import ValidationError

from ivyspt import commands, stages
from ivyspt.columns import DataError
from ivyspt.provenance import running


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
    """Run the stage or command that the first argument names; bad input gives one sentence and exit status 1."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] not in {*stages.names(), *commands.names()}:
        print(_usage(), file=sys.stderr)
        return 2
    name, *options = arguments
    try:
        if name in commands.names():
            return importlib.import_module(f"ivyspt.commands.{name}").main(options)
        _run_stage(name, options)
    except ValidationError as error:
        for problem in error.errors():
            key = ".".join(str(part) for part in problem["loc"])
            print(f"{name}: setting {key}: {problem['msg']}, got {problem['input']!r}", file=sys.stderr)
        return 1
    except DataError as error:
        print(f"{name}: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


def _run_stage(stage: str, arguments: list[str]) -> None:
    options = vars(parser_of(stage).parse_args(arguments))
    module = importlib.import_module(f"ivyspt.stages.{stage}")
    settings = module.Settings.model_validate(options.pop("settings"))
    with running(stage, settings.model_dump(mode="json"), options):
        module.run(settings, **options)


def _usage() -> str:
    return (
        f"usage: ivyspt COMMAND [options]; COMMAND must be one of {', '.join(commands.names())}\n"
        f"       ivyspt STAGE [options], as the workflow calls it; STAGE must be one of {', '.join(stages.names())}"
    )


if __name__ == "__main__":
    sys.exit(main())
