"""GPU kernels and their measurement. Stands alone: it imports nothing of alphalab_nb and is not imported by it. Empty so far."""
