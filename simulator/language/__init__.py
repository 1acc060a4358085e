"""The words of the scenario language: names, units, codes, limits, and what a setting may say."""
