"""Facts about reading quotes."""
