"""Kernels that cheat, one trick each, and the naive timer that they fool. hacks.yaml says what each does and which check catches it."""
