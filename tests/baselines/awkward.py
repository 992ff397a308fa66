"""Contexts that are odd but admissible."""

import numpy as np
from hypothesis import strategies as st

from ivyspt.completion import Context


@st.composite
def stranger(draw) -> Context:
    """Three to twelve quotes anywhere, of any vols, of one or more expiries, some of them on top of one another."""
    count = draw(st.integers(3, 12))
    expiries = draw(st.lists(st.floats(1 / 365, 5.0), min_size=1, max_size=count, unique=True))
    tau = np.array([draw(st.sampled_from(expiries)) for _ in range(count)])
    k = np.array(draw(st.lists(st.floats(-2, 2), min_size=count, max_size=count)))
    vol = np.array(draw(st.lists(st.floats(0.01, 3.0), min_size=count, max_size=count)))
    return Context("A", "A", k, tau, vol, np.full(3, np.nan))
