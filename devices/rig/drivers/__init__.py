"""Drivers: one module for each kind of rig, each with a function `make`."""
