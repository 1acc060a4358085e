"""The digital twin of a fob: its clock, measured by the codes that it shows."""
