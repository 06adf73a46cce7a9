"""The reference evaluation of the simulator adapter. Standalone: standard library and numpy only.

`python -m harness.score --artefact DIR --partition search --seed 0 --fidelity full --out score.json`
"""
