"""Facts about the workflow around the library."""
