"""AlphaLab-NB: an autonomous research harness whose campaigns are folders of executed notebooks."""
__version__ = "0.1.0"
