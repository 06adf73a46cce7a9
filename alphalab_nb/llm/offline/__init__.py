"""The offline researcher's model."""
