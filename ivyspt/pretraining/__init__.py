"""Training of the flagship on simulated and real surfaces side by side."""
