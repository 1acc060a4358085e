"""The policy language of IAM: documents, conditions, and the decision, without any I/O."""
