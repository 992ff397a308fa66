"""Errors, arbitrage audit and comparison of methods."""
