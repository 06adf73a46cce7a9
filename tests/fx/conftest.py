"""The adapter brings tests of its own, which run from the folder that its harness is copied to."""

collect_ignore = ["adapter"]
