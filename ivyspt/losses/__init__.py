"""Fit loss, arbitrage penalties and their weights."""
