"""The colour and marker of a method, the same in every figure, and told apart by colour-blind readers."""

# after Tol (2021), Colour Schemes, "muted", and Okabe & Ito (2008)
OURS = "#332288"
PUBLISHED = "#882255"
ABLATED = "#6699cc"
BASELINES = {
    "dense_net": ("#ddaa33", "s"),
    "random_forest": ("#117733", "^"),
    "polynomial": ("#cc6677", "v"),
    "cubic_spline": ("#aa4499", "D"),
    "flat": ("#777777", "d"),
    "previous_day": ("#bbbbbb", "x"),
    "kernel_regression": ("#44aa99", "<"),
    "thin_plate": ("#999933", ">"),
    "gaussian_process": ("#661100", "P"),
    "svi": ("#56b4e9", "X"),
    "ssvi": ("#0072b2", "h"),
    "essvi": ("#d55e00", "p"),
    "andreasen_huge": ("#88ccee", "*"),
    "packaged": ("#000000", "o"),
    "packaged_fine_tuned": ("#ee3377", "H"),
}
SPLITS = {"train": "#332288", "validation": "#cc6677"}
LOSS_COLOURS = {"fit": "#332288", "calendar": "#117733", "butterfly": "#cc6677", "objective": "#000000"}
SEQUENCE = ("#332288", "#cc6677", "#44aa99", "#ddaa33", "#882255")  # things without a colour of their own
BALANCE = {"gradnorm": "#332288", "fixed": "#cc6677", "norm": "#ddaa33", "target": "#117733"}
DIRECTIONS = {  # along which a loss is cut
    "largest": ("#882255", "-"),
    "second largest": ("#44aa99", "--"),
    "smallest": ("#ddaa33", "-."),
    "random": ("#777777", "-"),
}
QUOTES = {"shown": "#000000", "hidden": "#777777", "spread": "#cccccc"}
CALM = "#999999"
CONDITIONS = {"calm": CALM, "stress": "#000000"}  # of days; greys, since colours are methods
RATIO = "PuOr_r"  # below and above equal weights; told apart by colour-blind readers


def colour(method: str) -> str:
    """Colour of `RUN.PHASE` or of a baseline."""
    run = method.split(".", maxsplit=1)[0]
    if "." not in method:
        return BASELINES.get(method, ("#777777", "o"))[0]
    return {"ivyspt": OURS, "as_published": PUBLISHED}.get(run, ABLATED)


def marker(method: str) -> str:
    """Marker of `RUN.PHASE` or of a baseline."""
    return BASELINES.get(method, ("", "o"))[1]


def face(method: str) -> str:
    """Fill of a marker: hollow where a model was not fine-tuned."""
    return "white" if method.endswith(".pretrain") else colour(method)
