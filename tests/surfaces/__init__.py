"""Tests of ivyspt.surfaces."""
