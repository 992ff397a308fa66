"""Surfaces that cannot be arbitraged by construction: a mixture, in price, of eSSVI surfaces, fitted by a network."""
