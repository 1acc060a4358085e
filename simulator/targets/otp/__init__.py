"""Verifiers of one-time codes as targets: Python objects, commands and HTTP servers."""
