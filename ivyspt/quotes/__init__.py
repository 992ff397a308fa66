"""From raw quotes to clean quotes."""
