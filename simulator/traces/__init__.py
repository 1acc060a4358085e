"""What passes between clients and keys: recorded, read, replayed and compared."""
