"""What a person holds: tokens, authenticator apps, phones.

A device takes its clock, its power and its chance as arguments and does no
input or output of its own, so it runs the same on a bench and in virtual time.
"""
