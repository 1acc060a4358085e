"""The bench of a lab: keys and tokens with what is around them, and the file that says which.

A scenario says `security_key` and the bench says which one: simulated, behind a hidraw node, in a
reader's field, or a recording. `Fixture` is a key in whatever stands for it.
"""
