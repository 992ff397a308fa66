"""The paper's four baselines."""
