"""The baselines by the name that a configuration's row calls them."""

from ivyspt.baselines.andreasen_huge import AndreasenHuge
from ivyspt.baselines.cubic_spline import CubicSpline
from ivyspt.baselines.dense_net import DenseNet
from ivyspt.baselines.essvi import ESSVI
from ivyspt.baselines.flat import Flat
from ivyspt.baselines.gaussian_process import GaussianProcess
from ivyspt.baselines.kernel_regression import KernelRegression
from ivyspt.baselines.packaged import Packaged
from ivyspt.baselines.polynomial import Polynomial
from ivyspt.baselines.previous_day import PreviousDay
from ivyspt.baselines.random_forest import RandomForest
from ivyspt.baselines.ssvi import SSVI
from ivyspt.baselines.svi_slices import SVISlices
from ivyspt.baselines.thin_plate import ThinPlate
from ivyspt.columns import DataError
from ivyspt.completion import Method

METHODS: dict[str, type] = {
    "dense_net": DenseNet,
    "random_forest": RandomForest,
    "polynomial": Polynomial,
    "cubic_spline": CubicSpline,
    "flat": Flat,
    "previous_day": PreviousDay,
    "kernel_regression": KernelRegression,
    "thin_plate": ThinPlate,
    "gaussian_process": GaussianProcess,
    "svi": SVISlices,
    "ssvi": SSVI,
    "essvi": ESSVI,
    "packaged": Packaged,
    "andreasen_huge": AndreasenHuge,
}


def build(method: str, values: dict) -> Method:
    """A method with the values of its settings.

    Raises
    ------
    DataError
        No such method, or one without such settings.
    """
    if method not in METHODS:
        raise DataError(f"baseline method must be one of {', '.join(METHODS)}, got {method!r}")
    try:
        return METHODS[method](**values)
    except TypeError as error:
        raise DataError(f"candidates of {method} must name its settings, got {values}: {error}") from error
