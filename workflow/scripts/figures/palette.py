"""The colour of a method, the same in every figure, and told apart by colour-blind readers."""

# Tol (2021), Colour Schemes, "muted"; every method also has a marker of its own
OURS = "#332288"
PUBLISHED = "#882255"
ABLATED = "#88ccee"
OTHER = "#777777"
BASELINES = {
    "dense_net": ("#ddcc77", "s"),
    "random_forest": ("#117733", "^"),
    "polynomial": ("#cc6677", "v"),
    "cubic_spline": ("#aa4499", "D"),
    "flat": ("#999999", "_"),
    "previous_day": ("#bbbbbb", "|"),
    "kernel_regression": ("#44aa99", "<"),
    "thin_plate": ("#999933", ">"),
    "gaussian_process": ("#e69f00", "P"),
    "svi": ("#56b4e9", "X"),
    "ssvi": ("#0072b2", "h"),
    "essvi": ("#d55e00", "p"),
}
SPLITS = {"train": "#332288", "validation": "#cc6677"}


def colour(method: str) -> str:
    """Colour of `RUN.PHASE` or of a baseline."""
    run = method.split(".")[0]
    if run in BASELINES:
        return BASELINES[run][0]
    if run == "as_published":
        return PUBLISHED
    return OURS if run == "ivyspt" else ABLATED if "." in method else OTHER


def marker(method: str) -> str:
    """Marker of `RUN.PHASE` or of a baseline; a pre-trained model has the hollow twin of its fine-tuned one."""
    return BASELINES.get(method, ("", "o"))[1]
