"""How reports and APDUs get to a security key, and what can go wrong on the way."""
