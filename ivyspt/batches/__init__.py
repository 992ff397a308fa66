"""Context and target points of surfaces, as padded tensors."""
