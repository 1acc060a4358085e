"""Rigs: boards on a serial line and whatever else touches keys and cuts their power."""
