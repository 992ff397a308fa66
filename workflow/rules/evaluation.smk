"""Predictions to errors, arbitrage and the comparison of methods."""
