"""Drivers: one module for each kind of rig."""
