"""Studies of many tokens over years: how often they fall out of a verifier's window."""
