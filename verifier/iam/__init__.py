"""IAM with boto3's names, parameters and answers: a class for each kind of entity."""

from mfalab.verifier.iam.account import AccountReports
from mfalab.verifier.iam.mfa_devices import MfaDevices
from mfalab.verifier.iam.users import Users


class Iam(MfaDevices, Users, AccountReports):
    """IAM for one caller. Every method raises `ServiceError` as IAM refuses."""
