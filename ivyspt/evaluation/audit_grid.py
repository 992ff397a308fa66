"""The grid on which a completed surface is searched for arbitrage, and differences of total variance on it."""

from dataclasses import dataclass

import numpy as np

from ivyspt.completion import Context
from ivyspt.config import Evaluation

STENCIL_STD = 0.05  # half-width of the stencil in k, standard deviations
STENCIL_TAU = 0.02  # half-width in tau, relative


@dataclass(frozen=True)
class Grid:
    """Nodes of the audit grid, maturity by maturity; `std` is sigma_ATM sqrt(tau). Arrays have one entry a node."""

    log_moneyness: np.ndarray
    time_to_maturity: np.ndarray
    std: np.ndarray

    def stencil(self) -> tuple[np.ndarray, np.ndarray]:
        """(k, tau) of the centres, k - h, k + h, tau - h and tau + h, one after the other."""
        k, tau = self.log_moneyness, self.time_to_maturity
        h, h_tau = STENCIL_STD * self.std, STENCIL_TAU * tau
        return np.concatenate([k, k - h, k + h, k, k]), np.concatenate([tau, tau, tau, tau - h_tau, tau + h_tau])

    def differences(self, total_variance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Central differences w_k, w_kk, w_tau from total variance on the stencil."""
        w, left, right, before, after = np.split(np.asarray(total_variance, np.float64), 5)
        h, h_tau = STENCIL_STD * self.std, STENCIL_TAU * self.time_to_maturity
        return (right - left) / (2 * h), (right - 2 * w + left) / h**2, (after - before) / (2 * h_tau)


def audit_grid(context: Context, evaluation: Evaluation) -> Grid:
    """Nodes even in standard deviations of the context's at-the-money vol and in log tau up to its longest expiry.

    From `audit_min_tau`, or from half the longest expiry where that is shorter.
    """
    strikes, maturities = evaluation.audit_points
    longest = context.time_to_maturity.max()
    tau = np.geomspace(min(evaluation.audit_min_tau, longest / 2), longest, maturities)
    z = np.linspace(-evaluation.audit_max_z, evaluation.audit_max_z, strikes)
    std = np.repeat(context.at_the_money_vol * np.sqrt(tau), strikes)
    return Grid(np.tile(z, maturities) * std, np.repeat(tau, strikes), std)
