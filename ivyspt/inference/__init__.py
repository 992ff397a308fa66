"""The flagship's answer for one surface at a time in plain arrays: milliseconds on one core, without torch."""
