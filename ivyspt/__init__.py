"""Implied-volatility surfaces from few quotes, without arbitrage (IvySPT).

`ivyspt.load_pretrained()` gives the packaged model, whose `complete` answers tables of one's own quotes.
"""


def __getattr__(name: str):
    # torch is loaded only where the model is asked for: figures and tables are drawn without it
    if name == "load_pretrained":
        from ivyspt.pretrained import load_pretrained  # noqa: PLC0415

        return load_pretrained
    raise AttributeError(f"module 'ivyspt' has no attribute {name!r}")
