"""The simulated pre-training corpus: surfaces free of static arbitrage, quoted as markets quote them."""
