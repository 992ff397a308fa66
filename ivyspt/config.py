"""The sections of a study's configuration: their keys, types and admissible values.

Every key, its unit and its default study value are explained in `config/README.md`. Unknown keys are refused.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ivyspt.analysis_config import Analyses
from ivyspt.corpus_config import Corpus
from ivyspt.evaluation_config import Evaluation
from ivyspt.flagship_config import Flagship, FlagshipTraining
from ivyspt.masking_config import Masking
from ivyspt.sections import Count, Name, NonNegative, OptionalPath, Positive, Proportion, Section


class Data(Section):
    """Where a study's data come from."""

    adapter: str
    label: str  # what every table and figure calls the data
    simulated: bool
    data_dir: str | None = None  # required by adapters that read files
    symbols: list[str] | None = None  # keep these only
    first_date: str | None = None  # YYYY-MM-DD, inclusive
    last_date: str | None = None  # YYYY-MM-DD, inclusive
    max_symbols: Count | None = None
    max_days: Count | None = None
    options: dict = {}  # the adapter's own keys


class Filters(Section):
    """Thresholds below or above which a quote is dropped, with the reason counted; sources in `quotes/filters.py`."""

    min_bid: NonNegative = 0.05  # USD; below it a tick of 0.01 is more than 20 % of the quote
    max_relative_spread: Positive = 0.5  # (ask - bid) / mid; beyond it the quote leaves the vol open
    min_time_to_maturity: NonNegative = 0.0082  # years; three days: the last hours are not diffusive
    max_time_to_maturity: Positive = 3.0  # years; the longest listed series are hardly traded
    max_standardised_moneyness: Positive = 5.0  # |z|, standard deviations
    min_implied_vol: Positive = 0.01  # decimal
    max_implied_vol: Positive = 3.0  # decimal; OptionMetrics' bound
    min_open_interest: NonNegative = 0.0  # contracts
    max_twin_gap: Positive | None = None  # relative |call - put| vol at one strike; None: not applied
    max_neighbour_gap: Positive | None = None  # relative gap to the median of five strikes around; None: not applied


class Forwards(Section):
    """How the forward and the discount factor of each slice are implied."""

    rates_dir: str | None = None  # folder of the Treasury curve; without any curve: `flat_rate` at every maturity
    zero_curve: OptionalPath = None  # IvyDB's zero-curve table, instead of the Treasury curve
    distributions: OptionalPath = None  # IvyDB's distribution table: dividends where parity does not speak
    security_names: OptionalPath = None  # IvyDB's table of names, where symbols are tickers and not secids
    flat_rate: float = 0.0  # annualised, continuous; the prior where there is no curve
    flat_rate_std: Positive = 0.05  # decimal; how far implied rates may lie from the flat rate
    rate_std: Positive = 0.005  # decimal; how far from the rate curve: box rates stay within about 50 bp of it
    near_width: Positive = 0.5  # |z| inside which pairs imply the forward, standard deviations
    min_pairs: Count = 3  # near pairs; with fewer the forward is the neighbouring expiries' carry more than its own


class Surfaces(Section):
    """What makes a set of points a surface."""

    min_points: Annotated[int, Field(ge=4)] = 12
    min_expiries: Count = 1
    blend_half_width: NonNegative = 0.5  # |z| inside which call and put vols are blended, standard deviations
    price: Literal["quoted", "vendor_implied_vol"] = "quoted"  # the latter reprices the vendor's vol on spot and rate
    exercise: Literal["european", "de_americanise"] = "european"  # what is done with quotes marked American
    filters: Filters = Filters()
    forwards: Forwards = Forwards()


class QuoteAudit(Section):
    """Which surfaces the price-space referee judges before any method sees them."""

    surfaces: Count = 100  # spread evenly over the table
    price_tolerance: NonNegative = 1e-7  # of the forward; rounding of prices
    max_calendar_points: Count = 120  # of a surface that enter constraints across expiries; their number is quadratic


class MarketFeatures(Section):
    """Which series stand for the paper's market features."""

    source: Literal["qmoms", "files", "simulated", "option_metrics"]
    market_return: str  # name of the series, as tables and figures print it
    market_vol: str
    treasury_rate: str
    data_dir: str | None = None
    proxy_maturity: Positive = 30  # days; the slice whose model-free implied vol stands in for VIX (qmoms only)
    # of option_metrics only: IvyDB's zero-curve file, and its identifiers of the index and of VIX
    zero_curve: OptionalPath = None
    index_secid: OptionalPath = None
    vol_secid: OptionalPath = None


class Tiers(Section):
    """Which symbols pre-train (liquid) and which fine-tune (sparse)."""

    rule: Literal["named", "ranked"]
    liquid: list[str] | Count  # names, or how many symbols from the top of the ranking
    sparse: list[str] | Count  # names, or how many symbols from its bottom


class Thinning(Section):
    """The sparse tier's points that no method is ever shown."""

    max_points: Count | None = None  # per surface; None: nothing is thinned away
    seed: int = 0


class Split(Section):
    """Train, validation and test days, by partitions of the time axis (paper, Data Splitting)."""

    partitions: Count
    train: Proportion = 0.8
    validation: Proportion = 0.1
    purge_days: Annotated[int, Field(ge=0)] = 1  # first training days after another partition's test days
    embargo_days: Annotated[int, Field(ge=0)] = 1  # last days of train before validation and of validation before test
    min_days: Count = 2  # that validation and test each keep


class Model(Section):
    """Architecture of IvySPT; each value that departs from the paper is a row of the ablation."""

    dimension: Count = 32
    blocks: Count = 2
    heads: Count = 4
    feed_forward: Count = 4  # width of the feed-forward layer over `dimension`
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    quantity: Literal["implied_vol", "total_variance"] = "implied_vol"  # what is embedded and predicted
    positive: bool = True  # the output is positive by construction
    coordinates: Literal["raw", "standardised"] = "standardised"  # (k, tau) as published, or (z, log tau)
    # the paper's path, or a factor on: the context's mean vol, its kernel-weighted mean, its kernel ridge regression
    level: Literal["erased", "mean", "kernel_mean", "kernel_regression"] = "kernel_regression"
    kernel: Literal["elliptical_rbf", "none"] = "elliptical_rbf"
    bandwidth_floor: NonNegative = 0.15  # normalised units; 0 as published
    embedding_norm: Literal["layer", "none"] = (
        "none"  # over the kernel's channels; the paper's layer norm erases the level
    )
    level_min_bandwidth: NonNegative = 0.15  # normalised units; narrower channels are not read for the level
    positional_encoding: Literal["sinusoidal_2d", "none"] = "sinusoidal_2d"
    positional_base: Positive = 10000.0
    external_attention: bool = True
    market_tokens: Literal["per_feature", "single"] = "per_feature"
    fusion: Literal["gate", "add"] = "gate"
    gate_bias: float = 10.0
    target_attention: Literal["context_and_self", "all"] = "context_and_self"
    normalisation: Literal["context", "joint"] = "context"  # whose points the batch statistics come from
    normalisation_momentum: Annotated[float, Field(ge=0, le=1)] = 0.1

    @model_validator(mode="after")
    def _check(self):
        if self.level != "erased" and (self.quantity != "implied_vol" or not self.positive):
            raise ValueError(
                "model.level must be erased unless quantity is implied_vol and positive is true, "
                f"got level {self.level}, quantity {self.quantity} and positive {self.positive}"
            )
        if self.level == "kernel_mean" and self.kernel == "none":
            raise ValueError("model.level kernel_mean needs a kernel, got kernel none")
        if self.dimension % (4 if self.positional_encoding != "none" else 1) or self.dimension % self.heads:
            raise ValueError(
                "model.dimension must be a multiple of 4 (positional encoding) and of model.heads, "
                f"got dimension {self.dimension} and {self.heads} heads"
            )
        return self


class Losses(Section):
    """Fit loss and penalties (paper, Surface Arbitrage Free Loss) and how they are weighed."""

    target: Literal["implied_vol", "total_variance"] = "implied_vol"
    penalties: bool = True
    butterfly_formula: Literal["durrleman", "as_published"] = "durrleman"
    collocation_points: Annotated[int, Field(ge=0)] = 24  # a surface and step; 0: penalties at the targets alone
    collocation_max_z: Positive = 6.0  # standard deviations
    collocation_min_tau: Positive = 0.0192  # years; seven days
    weighting: Literal["gradnorm", "fixed"] = "gradnorm"
    weights: list[NonNegative] = [1.0, 1.0, 1.0]  # fit, calendar, butterfly; at the start or fixed
    gradnorm_alpha: NonNegative = 1.5
    gradnorm_learning_rate: NonNegative = 0.025  # of the logarithms of the weights
    gradnorm_floor: Positive = 1e-6  # of a loss at the start, squared units of the loss
    gradnorm_leak: bool = False  # as published: the gradient of L_grad also reaches the model

    @model_validator(mode="after")
    def _check(self):
        if len(self.weights) != 3 or (self.weighting == "gradnorm" and min(self.weights) <= 0):
            raise ValueError(f"losses.weights must be three, and positive for gradnorm, got {self.weights}")
        return self


class Phase(Section):
    """One phase of training."""

    epochs: Annotated[int, Field(ge=0)]
    batch_size: Count = 32  # surfaces
    learning_rate: Positive = 1e-3  # peak
    final_learning_rate: NonNegative = 1e-5
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.15  # share of the steps
    schedule_by: Literal["step", "epoch"] = "step"  # as published: by epoch, the first at a learning rate of zero
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0  # learning rate of a layer over that of the next one up
    layer_decay_from: Literal["output", "input"] = "output"  # where it is largest; as published: at the input
    repeats: Count = 1  # visits of each surface an epoch, each with a fresh mask


class Training(Section):
    """Optimisation, shared by both phases (paper, Empirical Study)."""

    pretrain: Phase
    finetune: Phase
    weight_decay: NonNegative = 0.01
    gradient_clip: Positive | None = 1.0  # norm
    betas: tuple[Proportion, Proportion] = (0.9, 0.999)
    targets_per_surface: Count | None = None  # None: every masked point; 1: as published
    stays_in_evaluation: bool = False  # as published: evaluation mode, once validated in, is never left
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["float32", "bfloat16", "float64"] = "float32"
    compile: bool = False  # torch.compile; needs a C compiler
    threads: Count = 1  # of each process
    # that share every batch, on one machine, a GPU each where there are any; left out of settings while it is 1
    processes: Annotated[int, Field(ge=1, exclude_if=lambda count: count == 1)] = 1
    checkpoint_every: Count = 5  # epochs

    @model_validator(mode="after")
    def _check(self):
        if self.compile and self.processes > 1:
            raise ValueError(f"training.compile must be false with several processes, got {self.processes} processes")
        return self


class Run(Section):
    """A row of the run table: what it changes against the study's `model`, `losses` and `training`."""

    label: str
    model: dict = {}
    losses: dict = {}
    training: dict = {}
    seeds: int | None = None  # how many; None: the study's


class Baseline(Section):
    """A row of the baselines: the method's module and the values that validation chooses from."""

    label: str
    method: str
    candidates: dict[str, list] = {}
    # settings are chosen by context size: most points of each class but the last
    context_sizes: list[Count] = [5, 9, 20, 40]
    tuning_surfaces: Count = 40  # validation surfaces that choose, drawn by the seed
    seeds: Count = 1


class Study(Section):
    """A whole configuration file."""

    study: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    results: Annotated[str, Field(pattern=r"^results(/[a-z0-9-]+)?$")]
    figures: Annotated[str, Field(pattern=r"^figures(/[a-z0-9-]+)?$")]
    data: Data
    market_features: MarketFeatures
    surfaces: Surfaces
    quote_audit: QuoteAudit = QuoteAudit()
    tiers: Tiers
    thinning: Thinning
    split: Split
    masking: Masking
    corpus: Corpus = Corpus()
    flagship: Flagship = Flagship()
    flagship_training: FlagshipTraining | None = None  # None: the study trains no flagship
    model: Model
    losses: Losses
    training: Training
    evaluation: Evaluation
    analyses: Analyses = Analyses()
    seeds: list[int]
    runs: dict[Name, Run]
    baselines: dict[Name, Baseline]
