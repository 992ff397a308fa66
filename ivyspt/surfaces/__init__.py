"""Surfaces, their market features, tiers and splits."""
