"""The scenario language: its words and units, its models, and how files become cases.

A file is read as YAML with places (`yaml_source`), its matrix is spread and its names are resolved
(`loader`), and the models (`setting`, `scenario`) say what it means.
"""
