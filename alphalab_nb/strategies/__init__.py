"""Search strategies: who proposes the next experiments. See README.md for how to add one."""
