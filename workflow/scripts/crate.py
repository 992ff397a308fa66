"""A finished study as a Workflow Run RO-Crate: the workflow, what went in, what came out, in one folder.

Profiles: RO-Crate 1.3, Workflow RO-Crate 1.1, Process Run Crate and Workflow Run Crate 0.6
(https://www.researchobject.org/workflow-run-crate). Each file has its SHA-256; tables carry their provenance besides.
"""

import json
import os
import shutil
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path

from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from ivyspt.artefacts import writable, write_text
from ivyspt.provenance import checksum
from workflow.pins import pinned
from workflow.scripts.failing import fail_in_a_sentence

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.6": ("Process Run Crate", "0.6"),
    "https://w3id.org/ro/wfrun/workflow/0.6": ("Workflow Run Crate", "0.6"),
}
CODE = ("workflow", "ivyspt", "envs")  # what the run was made by, beside the Snakefile
FORMATS = {
    **{".pdf": "application/pdf", ".png": "image/png", ".html": "text/html", ".tex": "text/x-tex"},
    **{".json": "application/json", ".parquet": "application/vnd.apache.parquet", ".lock": "text/plain"},
}


def build(study: dict, results: list[Path], root: Path, settings: Path) -> ROCrate:
    """Describe a study's run.

    Parameters
    ----------
    study
        Its complete settings.
    results
        Files that the study ended in, as paths from `root`.
    root
        The project.
    settings
        A file that holds `study`.
    """
    crate = ROCrate(gen_preview=False)
    ended = datetime.fromtimestamp(max(path.stat().st_mtime for path in results), UTC).isoformat(timespec="seconds")
    label = study["data"]["label"]
    crate.name = f"ivyspt, study {study['study']}"
    crate.description = f"A run of the ivyspt workflow, which completes implied-volatility surfaces, on: {label}"
    crate.license = "https://spdx.org/licenses/MIT"
    crate.datePublished = ended
    version = pinned(root / "envs/snakemake.yaml")["snakemake"]
    workflow = crate.add_workflow(
        root / "workflow/Snakefile", "workflow/Snakefile", main=True, lang="snakemake", lang_version=version
    )
    workflow["name"] = "ivyspt"
    for identifier, (name, number) in PROFILES.items():
        properties = {"@type": ["CreativeWork", "Profile"], "name": name, "version": number}
        crate.root_dataset.append_to("conformsTo", crate.add(ContextEntity(crate, identifier, properties=properties)))
    for path in sorted(path for name in CODE for path in (root / name).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.name != "Snakefile":
            _add(crate, path, path.relative_to(root))
    inputs = [_add(crate, settings, Path("study.json"))]
    outputs = [_add(crate, root / path, path) for path in sorted(results)]
    action = crate.add_action(
        workflow,
        identifier="#run",
        object=inputs,
        result=outputs,
        properties={"name": f"Run of the study {study['study']}", "endTime": ended},
    )
    action["actionStatus"] = "http://schema.org/CompletedActionStatus"
    crate.root_dataset.append_to("mentions", action)
    return crate


def _add(crate: ROCrate, path: Path, place: Path):
    properties = {"sha256": checksum(path), "contentSize": str(path.stat().st_size), "name": place.as_posix()}
    if path.suffix in FORMATS:
        properties["encodingFormat"] = FORMATS[path.suffix]
    return crate.add_file(path, place.as_posix(), properties=properties)


def main() -> None:
    """Write the crate beside its place, and then move it there."""
    fail_in_a_sentence()
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settings", type=json.loads, required=True, help="the complete study, as JSON")
    parser.add_argument("--results", type=Path, nargs="+", required=True)
    parser.add_argument("--crate", type=Path, required=True, help="the folder to make")
    chosen = parser.parse_args()
    temporary = chosen.crate.with_name(f".{chosen.crate.name}.{os.getpid()}.part")
    settings = chosen.crate.with_name(f".{chosen.crate.name}.json.{os.getpid()}.part")
    try:
        write_text(json.dumps(chosen.settings, indent=2, sort_keys=True) + "\n", settings)
        with writable(chosen.crate):
            build(chosen.settings, chosen.results, Path.cwd(), settings).write(temporary)
            shutil.rmtree(chosen.crate, ignore_errors=True)
            temporary.rename(chosen.crate)
    finally:
        settings.unlink(missing_ok=True)
        shutil.rmtree(temporary, ignore_errors=True)


if __name__ == "__main__":
    main()
