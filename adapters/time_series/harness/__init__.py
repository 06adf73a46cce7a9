"""The reference evaluation of the time_series adapter. Standalone: standard library and numpy only.

`python -m harness.score --artefact DIR --partition search --seed 0 --fidelity full --out score.json`
"""
