"""The system under test: an MFA verifier with the rules of AWS IAM and STS."""
