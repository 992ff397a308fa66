"""The baselines: the paper's four and those that stand for what practitioners use."""
