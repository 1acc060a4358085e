"""One security key with what is around it: simulated, behind a hidraw node or on a reader.

`Fixture` is the same for all of them, so what is written for one runs on each.
"""
