"""IvySPT."""
