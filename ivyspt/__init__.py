"""Implied-volatility surfaces from few quotes, without arbitrage (IvySPT)."""
