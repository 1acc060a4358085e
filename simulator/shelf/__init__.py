"""Simulated devices beside a running server, for scripts and for the mouse."""
