"""IAM with boto3's names, parameters and answers: a class for each kind of entity."""

from mfalab.verifier.iam.absent import Absent
from mfalab.verifier.iam.access_keys import AccessKeys
from mfalab.verifier.iam.account import AccountReports
from mfalab.verifier.iam.account_settings import AccountSettings
from mfalab.verifier.iam.authorization_details import AuthorizationDetails
from mfalab.verifier.iam.groups import Groups
from mfalab.verifier.iam.login_profiles import LoginProfiles
from mfalab.verifier.iam.mfa_devices import MfaDevices
from mfalab.verifier.iam.policies import Policies
from mfalab.verifier.iam.roles import Roles
from mfalab.verifier.iam.simulation import Simulation
from mfalab.verifier.iam.user_policies import UserPolicies
from mfalab.verifier.iam.users import Users


class Iam(
    MfaDevices,
    Users,
    UserPolicies,
    LoginProfiles,
    AccessKeys,
    Groups,
    Policies,
    Roles,
    Simulation,
    AccountReports,
    AccountSettings,
    Absent,
    AuthorizationDetails,
):
    """IAM for one caller. Every method raises `ServiceError` as IAM refuses."""
