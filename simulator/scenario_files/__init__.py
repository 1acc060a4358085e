"""How files become cases: a file is read as YAML with places, its matrix is spread, names resolve.

`loader` makes `Case`s, `suites` collects them, `mistakes` locates what is wrong, `describe` and
`eject` write a case in words and in Python.
"""
