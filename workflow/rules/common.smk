"""What the rules share: the study, its methods and seeds, `settings`, `code` and `checkpoint`."""

import importlib.util
import json
import shlex
import shutil
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = Path(workflow.basedir).parent
sys.path.insert(0, str(ROOT))

from ivyspt.fingerprint import FingerprintError, fingerprint, packages
from workflow.guard import GuardError, clear, hold
from workflow.pins import pinned, versions
from workflow.search import trial_sections, trials
from workflow.study import PHASES, StudyError, complete, digest, sections
from workflow.study import baseline_sections, fitted, flagship_course, trained

SURFACE_ADAPTERS = {"qmoms", "paper_sparse"}  # these read a vendor's surfaces; every other adapter reads quotes

RATE_AND_DIVIDEND_KEYS = ["rates_dir", "zero_curve", "distributions", "security_names"]  # of surfaces.forwards

DATA_SECTIONS = ["data", "market_features", "surfaces", "tiers", "thinning", "split", "masking"]
DATA_STAGES = ["assign_tiers", "thin_surfaces", "join_market_features", "split_days", "cluster_points"]

try:
    STUDY = complete(config)
    TRIALS = trials(STUDY)  # name -> hyper-parameters
except StudyError as error:
    raise WorkflowError(str(error)) from None

READING_STAGES = (
    ["read_surfaces"] if STUDY["data"]["adapter"] in SURFACE_ADAPTERS else ["read_quotes", "build_surfaces"]
)
METHODS = trained(STUDY) | fitted(STUDY)  # name -> seeds
MAIN_RUN = STUDY["evaluation"]["reference"].split(".")[0]
FAMILIES = {  # methods that are set against the main run's model of a phase
    ("baselines", "pretrain"): [f"{MAIN_RUN}.pretrain", *fitted(STUDY)],
    ("baselines", "finetune"): [f"{MAIN_RUN}.finetune", f"{MAIN_RUN}.pretrain", *fitted(STUDY)],
    ("ablation", "pretrain"): [f"{run}.pretrain" for run in STUDY["runs"]],
    ("ablation", "finetune"): [f"{run}.finetune" for run in STUDY["runs"]],
}
MAPPED = {surface.replace(":", ""): surface for surface in STUDY["analyses"]["attention"]["surfaces"]}  # by file name
FIGURES = ["ablation", "arbitrage", "baselines", "error_by_mask", "losses", "smiles"]
FIGURES += ["decomposition_buckets", "decomposition_liquid", "decomposition_sparse"]
FIGURES += ["sensitivity", "sensitivity_null", "stress", *(f"attention_{surface}" for surface in MAPPED)]
TABLES = ["ablation", "arbitrage", "baselines", "convergence", "cost", "data", "settings", "significance"]
TABLES += ["attention", "decomposition", "sensitivity", "stress"]
STUDIED = ["flatness", "gradnorm", "search", "tangent_kernel"]  # a figure and a table each, where they are asked for
TRACED = list(dict.fromkeys([MAIN_RUN, *(STUDY["analyses"]["gradnorm"] or {}).values()]))  # runs
REPORTS = ["data", "errors", "training"]
# what the text of the paper names; its appendix shows the rest
PAPER_FIGURES = ["ablation", "arbitrage", "error_by_mask", "losses", "smiles"]
PAPER_TABLES = ["ablation", "arbitrage", "baselines", "data", "settings", "significance"]
FIGURES += [name for name in STUDIED if STUDY["analyses"][name]]
TABLES += [name for name in STUDIED if STUDY["analyses"][name]]
SETTLED_TABLES = [table for table in TABLES if table != "cost"]  # the others hold no measured time
LATEX = all(shutil.which(program) for program in ("latexmk", "pdflatex"))
PINS = pinned(ROOT / "envs/ivyspt.yaml")
CONDA = any(method.name == "CONDA" for method in workflow.deployment_settings.deployment_method)

if not CONDA and importlib.util.find_spec("torch") is None:
    raise WorkflowError(
        f"{sys.executable} lacks what ivyspt needs: type `make install` and then `.venv/bin/snakemake`, "
        "or add --use-conda."
    )


HELD = []  # the lock of the run that is on, open for as long as it lasts


def start_alone():
    """Hold the study's folder for this run, and clear what a killed one was writing."""
    try:
        HELD.append(hold(Path(STUDY["results"])))
        clear(Path(STUDY["results"]), Path(STUDY["figures"]))
    except (GuardError, OSError) as error:
        raise WorkflowError(str(error)) from None


def say_what_is_left_out():
    """One line on standard error where there is no TeX."""
    if not LATEX:
        print(
            f"{STUDY['results']}/paper.pdf is left out: it needs latexmk and pdflatex on the PATH (on Debian the packages "
            "latexmk, texlive-latex-base and texlive-latex-recommended).",
            file=sys.stderr,
        )


wildcard_constraints:
    run="[a-z0-9_]+",
    baseline="[a-z0-9_]+",
    method=r"[a-z0-9_]+(\.(pretrain|finetune))?",
    family="baselines|ablation",
    phase="pretrain|finetune",
    state="initial|pretrain|finetune",
    trial=r"(grid|random)_[a-z0-9_.-]+",
    tier="liquid|sparse",
    surface="[^/]+",
    seed=r"\d+",


# One thread each, so that no number depends on the machine's cores; jobs run side by side instead.
ENVIRONMENT = "PYTHONNOUSERSITE=1 PYTHONUNBUFFERED=1 MPLBACKEND=agg SOURCE_DATE_EPOCH=0 " + " ".join(
    f"{library}_NUM_THREADS=1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")
)
# glibc gives large blocks back at once and faults them in again at the next step: a tenth of a prediction's time
ENVIRONMENT += " MALLOC_MMAP_THRESHOLD_=33554432 MALLOC_TRIM_THRESHOLD_=1073741824 MALLOC_TOP_PAD_=67108864"
OWN_PYTHON = "" if CONDA else f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; "

shell.prefix(f"set -euo pipefail; export {ENVIRONMENT} POLARS_MAX_THREADS=1; {OWN_PYTHON}")


def settings(*names):
    """JSON of the named sections of the configuration; of the run's own where the rule has a wildcard `run`."""
    return lambda wildcards: sections(STUDY, *names, run=wildcards.get("run"))


def baseline_settings(*names):
    """JSON of the named sections, the baseline's row, its name and its seed."""
    return lambda wildcards: baseline_sections(STUDY, wildcards.baseline, int(wildcards.seed), *names)


def comparison_settings():
    """JSON of the evaluation, with the main run's model of the phase as the reference."""

    def of_job(wildcards):
        return json.dumps({"evaluation": STUDY["evaluation"] | {"reference": f"{MAIN_RUN}.{wildcards.phase}"}})

    return of_job


def grows(megabytes):
    """Memory of a job: at least twice what one of its rule was measured to take, and as much again at each retry."""
    return lambda wildcards, attempt: megabytes * attempt


def training_environment(wildcards):
    """Where a training runs under conda: with PyTorch's CUDA build where a GPU is asked for."""
    return f"../../envs/ivyspt{'-gpu' if training_gpus(wildcards) else ''}.yaml"


def training_threads(wildcards):
    """Threads of a training: those of each of its processes."""
    training = STUDY["runs"][wildcards.run]["training"]
    return training["threads"] * training.get("processes", 1)


def training_gpus(wildcards):
    """GPUs of a training, or of a trial of the main run: one for each of its processes, where it asks for them."""
    training = STUDY["runs"][wildcards.get("run", MAIN_RUN)]["training"]
    return training.get("processes", 1) if training["device"] == "cuda" else 0


def analysis_settings(*names, whole=(), own=()):
    """JSON of the named parts of the analyses, of whole sections of the study, and of the job's own wildcards."""

    def of_job(wildcards):
        parts = {name: STUDY["analyses"][name] for name in names} | {name: STUDY[name] for name in whole}
        return json.dumps(parts | {name: wildcards.get(name) for name in own}, sort_keys=True)

    return of_job


def attention_settings(wildcards):
    """JSON of what the map of a surface is drawn with, the surface's id among it."""
    parts = {name: STUDY[name] for name in ("data", "runs", "baselines")}
    return json.dumps(parts | {"surface": MAPPED[wildcards.surface]}, sort_keys=True)


def code(name):
    """Fingerprint of a stage's module or of a script, of all that it imports from the project, and packages' versions."""

    return lambda wildcards: fingerprint_of(name)


@cache
def fingerprint_of(name):
    """The fingerprint, taken once a run of Snakemake."""
    try:
        return f"{fingerprint(name, ROOT)} on {versions(packages(name, ROOT), PINS)}"
    except FingerprintError as error:
        raise WorkflowError(str(error)) from None


def checkpoint(stage):
    """Where a training keeps what it needs to go on after a stop; the name says all that its numbers come from.

    The path is undeclared, since Snakemake deletes the declared files of a stopped job.
    """

    def of_job(wildcards):
        read = sections(STUDY, *DATA_SECTIONS, "model", "losses", "training", run=wildcards.run)
        codes = [fingerprint_of(f"ivyspt.stages.{name}") for name in (*READING_STAGES, *DATA_STAGES, "pretrain", stage)]
        name = digest(read, *codes)
        return f"{STUDY['results']}/checkpoints/{wildcards.run}_{wildcards.seed}_{stage}_{name}.safetensors"

    return of_job


def packaged_weights(wildcards):
    """The files of packaged weights that a baseline's row names, so that new ones are asked anew."""
    named = STUDY["baselines"][wildcards.baseline]["candidates"].get("weights", [])
    return [name if "." in name else str(ROOT / "ivyspt" / "weights" / f"{name}.safetensors") for name in named]


def flagship_checkpoint(wildcards):
    """Where the flagship's training keeps its state; it stays, so that more steps can follow in a later sitting."""
    codes = [fingerprint_of(f"ivyspt.stages.{name}") for name in (*READING_STAGES, *DATA_STAGES, "train_flagship")]
    return f"{STUDY['results']}/checkpoints/flagship_{wildcards.seed}_{digest(flagship_course(STUDY, *DATA_SECTIONS), *codes)}.safetensors"


def vendor_files(*places):
    """Every file of the folders, and the files, that a study reads data from, so that a replaced one is read again."""
    paths = [path for place in places if place for path in (Path(place), *Path(place).rglob("*"))]
    return sorted(str(path) for path in paths if path.is_file())


def of_methods(pattern, family, phase):
    """The pattern's path for each seed of each method of a family."""
    return [path for name in FAMILIES[family, phase] for path in expand(pattern, method=name, seed=METHODS[name])]


def of_first_seeds(pattern, family, phase):
    """The pattern's path for the first seed of each method of a family."""
    return [pattern.format(method=name, seed=METHODS[name][0]) for name in FAMILIES[family, phase]]


def of_studied_runs(pattern):
    """The pattern's path for each seed and phase of the main run and of the runs that are studied beside it."""
    runs = [MAIN_RUN, *STUDY["analyses"]["sensitivity"]["runs"]]
    for run in runs:
        if run not in STUDY["runs"]:
            raise WorkflowError(f"analyses.sensitivity.runs must name rows of runs, got {run}")
    methods = [f"{run}.{phase}" for run in dict.fromkeys(runs) for phase in PHASES]
    return [path for method in methods for path in expand(pattern, method=method, seed=METHODS[method])]


def of_main_phases(pattern):
    """The pattern's path for each seed and phase of the main run."""
    methods = [f"{MAIN_RUN}.{phase}" for phase in PHASES]
    return [path for method in methods for path in expand(pattern, method=method, seed=METHODS[method])]


def of_main_run(pattern):
    """The pattern's path for each seed of the study's main run."""
    return expand(pattern, run=MAIN_RUN, seed=METHODS[f"{MAIN_RUN}.finetune"])


def of_runs(pattern):
    """The pattern's path for each seed of each run."""
    return [path for run in STUDY["runs"] for path in expand(pattern, run=run, seed=METHODS[f"{run}.finetune"])]


def of_baselines(pattern):
    """The pattern's path for each seed of each baseline."""
    return [path for name, seeds in fitted(STUDY).items() for path in expand(pattern, baseline=name, seed=seeds)]


def of_tangent_kernels(table):
    """Paths of a table of the tangent kernels, for each run and seed that is studied."""
    study = STUDY["analyses"]["tangent_kernel"] or {"runs": [], "seeds": 0}
    seeds = {run: METHODS[f"{run}.pretrain"][: study["seeds"]] for run in study["runs"]}
    return [f"<results>/tangent_kernel/{run}/{seed}/{table}.parquet" for run in seeds for seed in seeds[run]]


def of_flatness(table):
    """Paths of a table of the flatness study, for each state and seed of the main run that is studied."""
    study = STUDY["analyses"]["flatness"] or {"states": [], "seeds": 0}
    seeds = METHODS[f"{MAIN_RUN}.pretrain"][: study["seeds"]]
    return [
        f"<results>/flatness/{MAIN_RUN}/{seed}/{state}_{table}.parquet" for state in study["states"] for seed in seeds
    ]


def phase_of(state):
    """The phase whose end, or for `initial` whose start, a state of the model is."""
    return "pretrain" if state == "initial" else state


def ends():
    """Every file that the study ends in."""
    return [
        *expand("<figures>/{figure}.pdf", figure=FIGURES),
        *expand("<results>/tables/{table}.{form}", table=TABLES, form=["tex", "html"]),
        "<results>/numbers.tex",
        "<results>/reports/sensitivity.md",
        *expand("<results>/reports/{report}.html", report=REPORTS),
        *(["<results>/paper.pdf"] if LATEX else []),
    ]


def whole_study():
    """JSON of the study with all its defaults."""
    return lambda wildcards: json.dumps(STUDY, sort_keys=True)
