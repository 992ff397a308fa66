"""Tests of ivyspt.stages."""
