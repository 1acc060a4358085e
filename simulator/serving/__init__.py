"""The verifier on a socket, for AWS's clients: `mfalab serve` and the fixture `aws_endpoint`."""
