"""The reference evaluation of kernels. Standalone: the standard library, and the kernel lab by its command line.

`python -m harness.score --artefact DIR --partition search --seed 0 --fidelity full --out score.json`
"""
