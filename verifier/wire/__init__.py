"""AWS's wire protocols, without a network: bytes of a request in, bytes of an answer out."""
