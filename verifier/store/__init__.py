"""The verifier's records: one protocol, in memory or in SQLite."""
