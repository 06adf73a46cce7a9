"""The evaluation of the fx_trading adapter. Standalone: standard library and numpy only.

`python -m harness.score --artefact DIR --partition search --seed 0 --fidelity full --out score.json`
"""
