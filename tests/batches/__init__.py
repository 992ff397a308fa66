"""Tests of ivyspt.batches."""
