"""The sections of a study's configuration that its analyses read, one class an analysis."""

from typing import Annotated, Literal

from pydantic import Field

from ivyspt.sections import Count, Positive, Proportion, Section

Dropout = Annotated[float, Field(ge=0, lt=1)]
Tier = Literal["liquid", "sparse"]


class Grid(Section):
    """Values of the searched hyper-parameters; every combination is a trial."""

    blocks: list[Count]
    dimension: list[Count]
    learning_rate: list[Positive]
    batch_size: list[Count]  # surfaces
    dropout: list[Dropout]


class Draws(Section):
    """What the random trials draw their hyper-parameters from."""

    trials: Annotated[int, Field(ge=0)]
    seed: int = 0
    blocks: list[Count]  # each as likely
    dimension: list[Count]
    learning_rate: tuple[Positive, Positive]  # between these, evenly in the logarithm
    batch_size: list[Count]
    dropout: tuple[Dropout, Dropout]  # between these, evenly


class Subset(Section):
    """Surfaces that trials train on and are judged by."""

    tiers: list[Tier] = ["liquid", "sparse"]
    share: Proportion = 0.1  # of all surfaces of these tiers; as many from training days as from validation days
    seed: int = 0  # of the draw, and of the trials' first weights and masks


class Search(Section):
    """The hyper-parameter search; each trial trains as the main run's pre-training does, but for these values."""

    grid: Grid
    random: Draws
    subset: Subset = Subset()
    epochs: Count


class Flatness(Section):
    """Where and how finely gradients and Hessians are measured, over all parameters."""

    states: list[Literal["initial", "pretrain", "finetune"]] = ["initial", "pretrain"]
    seeds: Count = 1  # of the main run
    surfaces: Count = 8  # validation surfaces, drawn once
    lanczos_steps: Count = 30  # products with the Hessian, a loss and start vector
    probes: Count = 1  # random start vectors
    ratio_quantiles: tuple[Proportion, Proportion] = (
        0.5,
        0.999,
    )  # of |eigenvalue|; their ratio is that of small to large
    slice_radius: Positive = 0.005  # Euclidean norm of the change of all parameters
    slice_points: Annotated[int, Field(ge=3)] = 11
    seed: int = 0  # of surfaces, masks, collocation points and start vectors


class TangentKernel(Section):
    """Which outputs the neural tangent kernel is taken of."""

    runs: list[str]
    seeds: Count = 1
    share: Proportion = 0.1  # of the training surfaces of the liquid tier
    max_outputs: Count = 1000  # implied vols; the Gram matrix has their number squared
    memory: Positive = 512  # MiB that gradients take at a time
    seed: int = 0  # of surfaces and masks


class Balance(Section):
    """A run whose losses GradNorm weighs, and one with fixed weights."""

    run: str
    against: str


class Stress(Section):
    """Which days of the study count as days of market stress."""

    vol_quantile: Proportion = 0.8  # of the test days' market vol; at or above it a day is of high vol
    return_quantile: Proportion = 0.8  # of the test days' absolute market return


class Sensitivity(Section):
    """Derivatives by the market features, and features permuted over days."""

    runs: list[str] = []  # studied beside the main run
    permutations: Count = 3  # of each feature
    seed: int = 0  # of the permutations


class Decomposition(Section):
    """Losses by period, mask and bucket."""

    baselines: Count = 2  # drawn beside the main run: those of least error


class Place(Section):
    """Where on a surface a target is put."""

    z: float  # standard deviations of the context's at-the-money vol
    days: Positive  # to maturity


class Attention(Section):
    """What the last block attends to."""

    surfaces: list[str] = []  # drawn as maps: SYMBOL_YYYY-MM-DDThh:mm, of validation or test days
    targets: list[Place] = [Place(z=-1.0, days=30), Place(z=0.0, days=60), Place(z=1.0, days=91)]


class Analyses(Section):
    """What is studied beside the errors: every key is explained in `config/README.md`."""

    # the mask under which a tier's surfaces are asked for sensitivities and attention: the first of these that it has
    masks: dict[Tier, list[str]] = {"liquid": ["clustered_0.5"], "sparse": ["visible", "clustered_0.5"]}
    stress: Stress = Stress()
    sensitivity: Sensitivity = Sensitivity()
    decomposition: Decomposition = Decomposition()
    attention: Attention = Attention()
    search: Search | None = None
    flatness: Flatness | None = None
    tangent_kernel: TangentKernel | None = None
    gradnorm: Balance | None = None
