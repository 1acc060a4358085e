"""The shipped scenario suites, one folder a topic."""
