"""The bench of a lab: the lab file, the keys and tokens that it binds, and how they stand in."""
