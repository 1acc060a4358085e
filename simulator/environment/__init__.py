"""What steps act on: people, what they hold, the verifier before them, and what is written down.

`Environment` furnishes it from a `Setting`; `Lab`, above the steps, performs them in it.
"""
