"""What a trained model tells of itself beyond its errors: each analysis of the paper in a module of its own."""
