"""The section of a study's configuration that says what is measured on the test days."""

from ivyspt.sections import Count, NonNegative, Positive, Proportion, Section


class Evaluation(Section):
    """What is measured on the test days."""

    audit_max_z: Positive = 6.0  # standard deviations of the context's at-the-money vol
    audit_min_tau: Positive = 0.0192  # years; seven days
    audit_points: tuple[Count, Count] = (49, 12)  # log-moneyness by maturity, per surface
    audit_masks: list[str] | None = None  # masks under which surfaces are audited; None: under every one
    audit_surfaces: Count = 40  # per tier and audited mask, drawn once by the masks' seed
    price_test_surfaces: Count = 10  # of these, how many the price-space referee judges
    price_tolerance: NonNegative = 1e-7  # of the forward; a spread cheaper than minus this is an arbitrage
    failure_error: Positive = 1.0  # decimal vol; the error booked where a method cannot answer
    latency_surfaces: Count = 60  # test surfaces, one by one, whose time is taken
    reference: str = "ivyspt.finetune"  # the method that every other one is compared with
    bootstrap_block_days: Count = 5  # test days in a block
    confidence: Proportion = 0.95  # of the bootstrap intervals
    z_edges: list[float] = [-1.0, 0.0, 1.0]  # of the error buckets, standard deviations
    tau_edges: list[Positive] = [0.1, 0.2]  # of the error buckets, years
    bootstrap_draws: Count = 2000
    bootstrap_seed: int = 0
    durrleman_tolerance: NonNegative = 1e-3  # g >= -tolerance counts as clean
    calendar_tolerance: NonNegative = 1e-6  # w_tau >= -tolerance counts as clean
