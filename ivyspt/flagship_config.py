"""The sections that state the flagship model and its training."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ivyspt.sections import Count, NonNegative, OptionalPath, Positive, Proportion, Section

# what a surface's quotes are: end-of-day marks or last prices, mids of bid and ask, points of a fitted surface
QUOTE_KINDS = ("marks", "mids", "smoothed")
QuoteKind = Literal[*QUOTE_KINDS]
SIMULATED = 1 + len(QUOTE_KINDS)  # number of the kind that simulated surfaces are told to be, in training only
KIND_SHOWN = 0.8  # share of the visits that tell the kind, unless stated


class Flagship(Section):
    """Architecture of the flagship."""

    dimension: Count = 64
    blocks: Count = 4
    heads: Count = 4
    feed_forward: Count = 3  # width of the feed-forward layer over `dimension`
    channels: Count = 8  # of the kernel embedding
    bandwidth_floor: NonNegative = 0.05  # normalised units
    gate_bias: float = 2.0  # the market's share starts at 12 %
    components: Annotated[int, Field(ge=1, le=6)] = 3  # eSSVI surfaces averaged in price
    knots: Annotated[int, Field(ge=3, le=40)] = 10  # of the basis in log-maturity
    many_quotes: Count = 61  # a context of so many or more determines finer surfaces
    knots_of_many: Annotated[int, Field(ge=3, le=40)] = 24  # then
    copies_of_many: Annotated[int, Field(ge=1, le=3)] = 1  # of each component, then, each with a prior of its own
    # steps of the fit, at most, before and after the noise is known, the damping of the first, and the gain in
    # log-posterior below which it stops, less for clean quotes; 0: never before the last
    fit_steps: tuple[Count, Count] = (4, 4)
    fit_steps_of_many: tuple[Count, Count] = (4, 4)
    fit_damping: Positive = 0.1
    fit_settled: NonNegative = 0.0
    quote_kinds: bool = False  # whether it is told what kind of quotes it sees
    # whether simulated surfaces are of a kind that it is told, so that none told is not theirs alone
    simulated_kind: bool = False
    # whether wing slopes are bounded at each maturity by itself, not all by the one factor that the worst one needs
    bounds_by_maturity: bool = False

    @model_validator(mode="after")
    def _simulated_is_a_kind(self):
        if self.simulated_kind and not self.quote_kinds:
            raise ValueError("simulated_kind: quote_kinds must be true for it, got false")
        return self

    def knots_for(self, quotes: int) -> int:
        """Knots of the surface that a context of so many quotes is completed to."""
        return self.knots_of_many if quotes >= self.many_quotes else self.knots

    def copies_for(self, quotes: int) -> int:
        """How often each component stands in that surface."""
        return self.copies_of_many if quotes >= self.many_quotes else 1

    def fit_steps_for(self, quotes: int) -> tuple[int, int]:
        """Steps of the fit, at most."""
        return self.fit_steps_of_many if quotes >= self.many_quotes else self.fit_steps


class Companion(Section):
    """Another study whose training days are visited too; its tables must have been made before."""

    results: Annotated[str, Field(pattern=r"^results(/[a-z0-9-]+)?$")]  # prefix of its results
    share: Proportion  # of the real surfaces of a batch
    market: bool  # whether its market features are shown; a proxy never passes for VIX
    kind: QuoteKind | None = None  # of its quotes; None: not told


class FlagshipTraining(Section):
    """Optimisation of the flagship; training resumes from its checkpoint over any number of sittings."""

    steps: Count
    batch_size: Count = 32  # surfaces, at most
    batch_points: Count = 1800  # context points, at most
    context_sizes: list[tuple[int, int]] = [(3, 12), (8, 30), (20, 60), (50, 120)]  # fewest and most quotes of a batch
    targets: Count = 48  # a surface and step
    learning_rate: Positive = 1e-3
    final_learning_rate: NonNegative = 1e-5
    warmup_steps: Count = 500
    decay_share: Proportion = 0.3  # of the steps, at the end, over which the rate falls
    weight_decay: NonNegative = 0.01
    gradient_clip: Positive = 1.0  # norm
    averaging: Proportion = 0.999  # of the exponential average of the weights
    start: OptionalPath = None  # weights to go on from, {seed} for the seed; None: a random start
    # whether what the network says of the prior starts anew, as other bounds on its surfaces ask for
    fresh_prior: Annotated[bool, Field(exclude_if=lambda fresh: not fresh)] = False
    # left out of settings while there are none, so that a training without them is given what it was
    companions: Annotated[list[Companion], Field(exclude_if=lambda companions: not companions)] = []
    kind: Annotated[QuoteKind | None, Field(exclude_if=lambda kind: kind is None)] = None  # of the study's own quotes
    # surfaces without market features are shown those of a day at random, so that their absence says nothing
    any_market: Annotated[bool, Field(exclude_if=lambda shown: not shown)] = False
    kind_shown: Annotated[Proportion, Field(exclude_if=lambda share: share == KIND_SHOWN)] = KIND_SHOWN  # of the visits
    real_share: Annotated[float, Field(ge=0, le=1)] = 0.5  # of the surfaces of a batch
    held_out_every: Count = 10  # of the symbols in alphabetical order, each tenth is never trained on
    calibration_batches: Count = 40  # of each class of context sizes and tier, on validation days
    threads: Count = 1
    report_every: Count = 100  # steps
    checkpoint_every: Count = 500  # steps

    @model_validator(mode="after")
    def _check(self):
        shares = sum(companion.share for companion in self.companions)
        if self.companions and not self.real_share:
            raise ValueError("flagship_training.real_share must be positive where there are companions, got 0")
        if shares >= 1:
            raise ValueError(f"flagship_training.companions must leave a share to the study itself, got {shares:g}")
        return self
