"""Studies of many tokens over years: how often they fall out of a verifier's window.

`study` is what a file says, `simulate` runs it, `results` reads what it counted. The kernel, and
all that imports it, needs the extra `fleet`.
"""
