"""Tests of ivyspt.corpus."""
