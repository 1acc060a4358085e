"""`python -m mfalab` is the command `mfalab`."""

from mfalab.simulator.cli import main

main()
