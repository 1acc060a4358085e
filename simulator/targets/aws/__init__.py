"""Any IAM and STS endpoint as a target, by boto3."""
