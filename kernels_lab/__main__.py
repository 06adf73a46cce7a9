"""`python -m kernels_lab`."""

from kernels_lab.cli import main

main()
