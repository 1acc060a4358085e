"""The verifier's records: one protocol, in memory, in SQLite or in PostgreSQL."""
