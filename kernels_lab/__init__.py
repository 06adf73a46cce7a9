"""Kernels that are really fast and really right. Stands alone: it imports nothing of alphalab_nb and is not imported by it.

    python -m kernels_lab evaluate softmax my_softmax.cpp        # prints one JSON verdict

A verdict is reached in three steps: build (backends/), correctness.py in a confined process of its own (process.py, worker/), timing.py in
a fresh one. hacks/ ships what the checks were made against.
"""
