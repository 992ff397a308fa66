"""Optimisation of the objective in two phases."""
