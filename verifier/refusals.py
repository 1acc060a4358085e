"""Every refusal of the verifier: code, exact text, HTTP status.

Texts marked *ours* are not documented by AWS; all others are the service's, to the letter.
"""

from collections.abc import Callable, Iterable

from mfalab.verifier.errors import ServiceError


def _refusal(code: str, message: str, status: int) -> Callable[[], ServiceError]:
    """What makes this refusal, a new exception each time."""
    return lambda: ServiceError(code, message, status)


# Credentials and permission

invalid_client_token = _refusal(
    "InvalidClientTokenId", "The security token included in the request is invalid.", 403
)
"""Unknown credentials; also IAM called with a session that was obtained without MFA."""
signature_does_not_match = _refusal(
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your "
    "AWS Secret Access Key and signing method. Consult the service documentation for details.",
    403,
)
"""The secret access key is wrong."""
expired_token = _refusal(
    "ExpiredToken", "The security token included in the request is expired", 403
)
"""The session is over."""


def not_authorized(caller_arn: str, action: str, resource: str) -> ServiceError:
    """No policy allows it, or one denies it; `resource` with the end that says which."""
    return ServiceError(
        "AccessDenied",
        f"User: {caller_arn} is not authorized to perform: {action} on resource: {resource}",
        403,
    )


mfa_session_needed = _refusal(
    "AccessDenied",
    "To complete this action, please ensure that you are authenticated with an MFA device "
    "that is enabled for this user.",
    403,
)
"""The self-management gate of 2023-04-21."""
mfa_enrolment_needed = _refusal(
    "AccessDenied", "Register an MFA device, then sign in with it.", 403
)
"""The session of the enrolment page does something else (text ours)."""
user_name_needed = _refusal(
    "ValidationError", "Must specify userName when calling with non-User credentials", 400
)
"""The user was left out, and the caller is none."""

# Policy documents


def malformed_policy(text: str, detail: str | None = None) -> ServiceError:
    """A policy document is not one.

    Args:
        text: the service's text, which often says little.
        detail: what is wrong and where, as a note on the exception.
    """
    error = ServiceError(
        "MalformedPolicyDocument", text.encode(errors="backslashreplace").decode(), 400
    )
    if detail is not None:
        error.add_note(detail)
    return error


# Parameters


def validation_error(message: str) -> ServiceError:
    """A parameter breaks its constraint."""
    return ServiceError("ValidationError", message, 400)


def device_name_too_long(most: int) -> ServiceError:
    """A serial number could not have the name; text ours, in the form of the others."""
    return validation_error(
        "1 validation error detected: Value at 'virtualMFADeviceName' failed to satisfy "
        f"constraint: Member must have length less than or equal to {most}"
    )


def invalid_path(member: str) -> ServiceError:
    """A path without its slashes, or the beginning of one without its first."""
    form = "begin with the / character" if member == "pathPrefix" else "begin and end with /"
    return validation_error(
        f"The specified value for {member} is invalid. It must {form} and contain only "
        "alphanumeric characters and/or / characters."
    )


invalid_marker = _refusal("ValidationError", "Invalid Marker.", 400)
"""A marker that no list call gave out."""


def malformed_integer(member: str) -> ServiceError:
    """Not the spelling of a 32-bit integer (text ours)."""
    return ServiceError("MalformedInput", f"Value at '{member}' is not a 32-bit integer.", 400)


def malformed_flag(member: str) -> ServiceError:
    """Neither true nor false (text ours)."""
    return ServiceError("MalformedInput", f"Value at '{member}' is not true or false.", 400)


def not_implemented(operation: str, member: str) -> ServiceError:
    """AWS knows the parameter, this verifier does not (text ours)."""
    return ServiceError(
        "NotImplemented", f"The parameter {member} of {operation} is not implemented.", 501
    )


duplicate_tag_keys = _refusal(
    "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.", 400
)
"""Two tags of one request have one key."""
duplicate_policy_tag_keys = _refusal("InvalidInput", "Duplicate tag keys found.", 400)
"""The same for a policy, whose tags may differ in case only."""

# Requests on the wire

missing_authentication_token = _refusal(
    "MissingAuthenticationToken", "Request is missing Authentication Token", 403
)
"""The request is not signed."""


def incomplete_signature(message: str) -> ServiceError:
    """The signature has not the form of one; the text says what is wrong."""
    return ServiceError("IncompleteSignature", message, 400)


def signature_scope(message: str) -> ServiceError:
    """The signature is not for this service, day or hour; the text says what is wrong."""
    return ServiceError("SignatureDoesNotMatch", message, 403)


def wrong_service(*served: str) -> ServiceError:
    """The signature is scoped to a service that is not here."""
    known = " or ".join(f"'{name}'" for name in served)
    return signature_scope(f"Credential should be scoped to correct service: {known}.")


payload_hash_mismatch = _refusal(
    "XAmzContentSHA256Mismatch",
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
    400,
)
"""The body is not the one that was signed."""
chunked_body = _refusal(
    "NotImplemented",
    "A header you provided implies functionality that is not implemented: bodies that are signed "
    "chunk by chunk.",
    501,
)
"""`x-amz-content-sha256: STREAMING-...` (text partly ours)."""
malformed_query_string = _refusal(
    "MalformedQueryString", "The query string contains a syntax error.", 404
)
"""The form is not one; the code and its status are of AWS's common errors."""
missing_action = _refusal(
    "MissingAction", "The request is missing an action or a required parameter.", 400
)
"""No field Action."""


def unknown_operation(action: str, version: str | None) -> ServiceError:
    """The service has no operation of this name in this version."""
    text = version or "NO_VERSION_SPECIFIED"
    return ServiceError(
        "InvalidAction", f"Could not find operation {action} for version {text}", 400
    )


only_list_buckets = _refusal(
    "NotImplemented", "Of Amazon S3 there is ListBuckets only: GET /.", 501
)
"""Anything else of S3 (text ours)."""


dry_run = _refusal("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
"""Nothing is refused: EC2 was asked whether something would be allowed."""


def no_such_instance(instance: str) -> ServiceError:
    """The account has no instance of this id."""
    return ServiceError(
        "InvalidInstanceID.NotFound", f"The instance ID '{instance}' does not exist", 400
    )


internal_failure = _refusal(
    "InternalFailure",
    "The request processing has failed because of an unknown error, exception or failure.",
    500,
)
"""A defect."""
service_unavailable = _refusal(
    "ServiceUnavailable",
    "The request has failed due to a temporary failure of the server.",
    503,
)
"""The store is away; what was acknowledged is in it."""

# Users and devices


def no_such_user(name: str) -> ServiceError:
    """The account has no user of this name."""
    return ServiceError("NoSuchEntity", f"The user with name {name} cannot be found.", 404)


def user_exists(name: str) -> ServiceError:
    """The account has a user of this name, whatever its case."""
    return ServiceError("EntityAlreadyExists", f"User with name {name} already exists.", 409)


def login_profile_exists(name: str) -> ServiceError:
    """The user has a password already."""
    return ServiceError(
        "EntityAlreadyExists", f"Login Profile for user {name} already exists.", 409
    )


def root_login_profile_exists(account_id: str) -> ServiceError:
    """Root has a password already."""
    text = f"Login Profile for account {account_id} already exists."
    return ServiceError("EntityAlreadyExists", text, 409)


def no_login_profile(name: str | None) -> ServiceError:
    """The user has no password; root has no name, and AWS says `null`."""
    text = f"Login Profile for User {name or 'null'} cannot be found."
    return ServiceError("NoSuchEntity", text, 404)


def no_such_access_key(key_id: str) -> ServiceError:
    """The user has no access key of this id."""
    text = f"The Access Key with id {key_id} cannot be found."
    return ServiceError("NoSuchEntity", text, 404)


password_policy_violated = _refusal(
    "PasswordPolicyViolation", "Password does not conform to the account password policy.", 400
)
"""A new password that the account's policy, or AWS's default, does not allow."""
old_password_wrong = _refusal("AccessDenied", "The old password was incorrect.", 403)
"""ChangePassword without the present password (text ours)."""
only_users_change_passwords = _refusal(
    "InvalidUserType", "Only IAM Users can change their own password", 400
)
"""ChangePassword by root or a role."""


def no_password_policy(account_id: str) -> ServiceError:
    """The account has no password policy of its own."""
    text = f"The Password Policy with domain name {account_id} cannot be found."
    return ServiceError("NoSuchEntity", text, 404)


def alias_exists(alias: str) -> ServiceError:
    """Another account has this alias."""
    return ServiceError("EntityAlreadyExists", f"The account alias {alias} already exists.", 409)


def no_such_alias(alias: str) -> ServiceError:
    """The account has not this alias."""
    return ServiceError("NoSuchEntity", f"The account alias {alias} cannot be found.", 404)


def role_exists(name: str) -> ServiceError:
    """The account has a role of this name, whatever its case."""
    return ServiceError("EntityAlreadyExists", f"Role with name {name} already exists.", 409)


def no_such_role(name: str) -> ServiceError:
    """The account has no role of this name."""
    return ServiceError("NoSuchEntity", f"The role with name {name} cannot be found.", 404)


def quota_exceeded(quota: str, limit: int) -> ServiceError:
    """One more than a quota allows."""
    return ServiceError("LimitExceeded", f"Cannot exceed quota for {quota}: {limit}", 409)


def no_such_device(serial: str) -> ServiceError:
    """No device has this serial number."""
    return ServiceError(
        "NoSuchEntity", f"MFA Device with serial number {serial} does not exist.", 404
    )


device_invalid_for_user = _refusal("NoSuchEntity", "MFA Device invalid for user.", 404)
"""The device is unassigned, or another identity's."""
device_exists = _refusal("EntityAlreadyExists", "MFA device already exists.", 409)
"""A device of this path and name exists already, assigned or not."""


def device_already_on_user(name: str) -> ServiceError:
    """The device is assigned to this user already."""
    return ServiceError("EntityAlreadyExists", f"MFA Device for user {name} already exists.", 409)


device_in_use = _refusal("EntityAlreadyExists", "MFA Device is already in use.", 409)
"""The device is another identity's."""
invalid_authentication_code = _refusal(
    "InvalidAuthenticationCode", "Authentication code for device is not valid.", 403
)
"""The code or the pair of codes is not accepted, for whatever reason."""
virtual_device_in_use = _refusal(
    "DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.", 409
)
"""An assigned device cannot be deleted."""
only_security_keys = _refusal(
    "ValidationError",
    "The MFA device serial number sent in the request is invalid or not supported by this "
    "API. Currently, only hardware FIDO security keys are supported. Please use the "
    "compatible device or API.",
    400,
)
"""GetMFADevice of anything but a security key."""

# Groups and policies


def no_such_group(name: str) -> ServiceError:
    """The account has no group of this name."""
    return ServiceError("NoSuchEntity", f"The group with name {name} cannot be found.", 404)


def group_exists(name: str) -> ServiceError:
    """The account has a group of this name, whatever its case."""
    return ServiceError("EntityAlreadyExists", f"Group with name {name} already exists.", 409)


def cannot_delete_entity(first: str) -> ServiceError:
    """Something is left that has to go first, such as `delete policies`."""
    return ServiceError("DeleteConflict", f"Cannot delete entity, must {first} first.", 409)


def no_such_inline_policy(kind: str, name: str) -> ServiceError:
    """The user, group or role has no inline policy of this name."""
    return ServiceError("NoSuchEntity", f"The {kind} policy with name {name} cannot be found.", 404)


def inline_policies_too_large(limit: int, kind: str, owner: str) -> ServiceError:
    """The inline policies of a user, group or role are larger than they may be together."""
    return ServiceError(
        "LimitExceeded", f"Maximum policy size of {limit} bytes exceeded for {kind} {owner}", 409
    )


def policy_exists(name: str) -> ServiceError:
    """The account has a managed policy of this name, whatever its case and path."""
    return ServiceError(
        "EntityAlreadyExists",
        f"A policy called {name} already exists. Duplicate names are not allowed.",
        409,
    )


def invalid_arn(arn: str) -> ServiceError:
    """Not the ARN of a managed policy."""
    return ServiceError("ValidationError", f"ARN {arn} is not valid.", 400)


def policy_not_found(arn: str) -> ServiceError:
    """There is no such managed policy, or it is not attached where it is to be detached."""
    return ServiceError("NoSuchEntity", f"Policy {arn} was not found.", 404)


def policy_not_attachable(what: str) -> ServiceError:
    """There is no such managed policy, or no such version: `ARN` or `ARN version v2`."""
    return ServiceError("NoSuchEntity", f"Policy {what} does not exist or is not attachable.", 404)


def boundary_not_attachable(arn: str) -> ServiceError:
    """There is no such managed policy to bound permissions with."""
    return ServiceError(
        "NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable.", 404
    )


policy_attached = _refusal("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
"""A managed policy is attached, or bounds permissions."""
policy_has_versions = _refusal(
    "DeleteConflict",
    "This policy has more than one version. Before you delete a policy, you must delete the "
    "policy's versions. The default version is deleted with the policy.",
    409,
)
"""Versions other than the default one are left."""
default_version_kept = _refusal(
    "DeleteConflict", "Cannot delete the default version of a policy.", 409
)
"""The default version goes with the policy only."""


def too_many_versions(limit: int) -> ServiceError:
    """A managed policy has as many versions as it may have."""
    return ServiceError(
        "LimitExceeded",
        f"A managed policy can have up to {limit} versions. Before you create a new version, you "
        "must delete an existing version.",
        409,
    )


# Credential report

report_not_present = _refusal("ReportNotPresent", "", 410)
"""No report was ever generated; AWS says no more than the code."""
report_expired = _refusal(
    "ReportExpired",
    "The request was rejected because the most recent credential report has expired. To "
    "generate a new credential report, use GenerateCredentialReport.",
    410,
)
"""The last report is too old."""
report_in_progress = _refusal(
    "ReportInProgress",
    "The request was rejected because the credential report is still being generated.",
    404,
)
"""The report is not finished yet."""

# STS

sts_code_refused = _refusal(
    "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ", 403
)
"""Wrong code, or a right one that was used before. The text ends with a space."""
sts_device_refused = _refusal(
    "AccessDenied",
    "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA "
    "serial number is valid and associated with this user.",
    403,
)
"""Unknown, another identity's, not yet propagated, of a kind without codes, or throttled."""
sts_half_parameters = _refusal(
    "AccessDenied",
    "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
    403,
)
"""Serial number without code, or code without serial number (text unconfirmed)."""
session_calls_get_session_token = _refusal(
    "AccessDenied", "Cannot call GetSessionToken with session credentials", 403
)
"""GetSessionToken wants long-term credentials."""
session_calls_get_federation_token = _refusal(
    "AccessDenied", "Cannot call GetFederationToken with session credentials", 403
)
"""GetFederationToken wants long-term credentials."""
no_root_task = _refusal(
    "ValidationError", "Request must contain valid AWS managed task policy ARN", 400
)
"""AssumeRoot for a policy that is no root task."""
invalid_target_principal = _refusal(
    "ValidationError", "Request must contain a valid target principal", 400
)
"""AssumeRoot of something that is neither an account's id nor its root's ARN."""


def root_feature_off(feature: str) -> ServiceError:
    """AssumeRoot for a task whose feature the organization has not enabled."""
    text = f"{feature} feature is not enabled for your AWS Organization."
    return ServiceError("AccessDenied", text, 403)


unknown_access_key = _refusal("ValidationError", "The access key ID is not valid.", 400)
"""GetAccessKeyInfo of a key that no account has (text ours)."""
root_assumes_role = _refusal("AccessDenied", "Roles may not be assumed by root accounts.", 403)
"""AssumeRole by a root user."""
context_assertion_refused = _refusal(
    "InvalidContextAssertion", "The context assertion could not be verified.", 400
)
"""ProvidedContexts: no provider of trusted contexts is known here (text ours)."""
transitive_tag_missing = _refusal(
    "ValidationError", "The transitive tag keys must be keys of the session tags.", 400
)
"""A key of TransitiveTagKeys that is none of Tags (text ours)."""
transitive_tag_replaced = _refusal(
    "ValidationError", "A transitive tag of the session cannot be replaced.", 400
)
"""A tag that the calling session handed down (text ours)."""
source_identity_replaced = _refusal(
    "ValidationError", "The source identity of the session cannot be replaced.", 400
)
"""A source identity other than the calling session's (text ours)."""
duration_above_role_maximum = _refusal(
    "ValidationError",
    "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    400,
)
"""DurationSeconds above the role's own limit."""
duration_above_chaining_limit = _refusal(
    "ValidationError",
    "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
    "chaining.",
    400,
)
"""DurationSeconds above what a role session may ask for."""

# Console (texts ours but for the first)

failed_authentication = _refusal("FailedAuthentication", "Failed authentication", 403)
"""Unknown user or wrong password: which of the two is not said."""
sign_in_locked = _refusal(
    "SignInLocked", "Too many authentication codes were not valid. Try again later.", 403
)
"""Too many refused codes in a row, where the profile locks."""
password_expired = _refusal(
    "PasswordExpired", "Your password has expired. Contact your administrator.", 403
)
"""The password is too old, and the account's policy lets nobody renew it (`HardExpiry`)."""
mail_code_refused = _refusal(
    "InvalidVerificationCode", "The code that you entered is not valid. Check the e-mail.", 403
)
"""Not the code in the mail to root, or too late, or after too many wrong ones."""
page_gone = _refusal(
    "SignInExpired", "This sign-in page is no longer valid. Enter your password again.", 403
)
"""The second page is unknown, too old, or already used."""


def kind_not_offered(kind: str) -> ServiceError:
    """The identity has no usable device of this kind."""
    return ServiceError(
        "InvalidInput", f"There is no MFA device of kind {kind} to sign in with.", 400
    )


choose_kind_first = _refusal("InvalidInput", "Choose the kind of MFA device to sign in with.", 400)
"""Several kinds of device, and none chosen."""


def kind_has_no_codes(kind: str) -> ServiceError:
    """A code was typed where the device shows none."""
    return ServiceError("InvalidInput", f"An MFA device of kind {kind} has no codes.", 400)


resync_not_offered = _refusal(
    "AccessDenied", "Resynchronization is offered after repeated refused codes.", 403
)
"""An IAM user asks for resynchronisation before the page offers it."""
rate_exceeded = _refusal("Throttling", "Rate exceeded", 400)
"""Too many attempts in too short a time."""

# Security keys (texts ours; which check was not passed, only the observer hears)

assertion_refused = _refusal(
    "InvalidAssertion", "Authentication with the security key failed. Try again.", 403
)
"""The security key's answer at sign-in is not accepted, or there is none."""
security_key_not_registered = _refusal(
    "InvalidRegistration", "The security key could not be registered. Start again.", 400
)
"""The answer at registration is not accepted, or there is none."""
security_key_not_accepted = _refusal(
    "SecurityKeyNotAccepted", "Security keys of this model are not accepted.", 400
)
"""The key is sound, and of a model or an algorithm that is not accepted."""

# SMS (texts ours)

sms_not_offered = _refusal(
    "InvalidInput",
    "SMS text message MFA is no longer available. Choose another type of MFA device.",
    400,
)
"""SMS devices can no longer be enabled."""
sms_not_for_root = _refusal(
    "InvalidInput", "SMS text message MFA is not available to the root user.", 400
)
"""SMS was never offered to a root user."""
invalid_phone = _refusal("InvalidInput", "The phone number is not valid.", 400)
"""Not a telephone number."""

# Root recovery (texts ours)

recovery_not_for_users = _refusal(
    "AccessDenied",
    "Alternative factors are for the root user. Ask your administrator to deactivate the "
    "MFA device.",
    403,
)
"""An IAM user cannot help itself."""
recovery_disabled = _refusal(
    "AccessDenied",
    "Sign-in with alternative factors is disabled for this account. Contact AWS Support.",
    403,
)
"""The account's alternative factors were switched off by AWS Support."""
recovery_step_refused = _refusal(
    "AccessDenied", "This step of the verification is not possible now. Start again.", 403
)
"""A step out of its order, or of a recovery that is over."""
recovery_link_refused = _refusal(
    "AccessDenied", "This link is not valid any more. Send the verification e-mail again.", 403
)
"""The link was used, replaced by a newer one, too old, or made up."""
recovery_phone_missing = _refusal(
    "AccessDenied", "This account has no telephone number on file. Contact AWS Support.", 403
)
"""There is no number to call."""
recovery_digits_refused = _refusal(
    "InvalidAuthenticationCode", "The digits that were entered are not valid.", 403
)
"""Wrong digits on the keypad."""
recovery_call_expired = _refusal("AccessDenied", "The call has expired. Ask for a new call.", 403)
"""The call is over."""

# The policy simulator


def invalid_policy_input(source: str, reason: str) -> ServiceError:
    """A policy that is to be simulated is malformed (text ours, but for the reason)."""
    return ServiceError("InvalidInput", f"Invalid policy {source}: {reason}", 400)


def invalid_entity_arn(arn: str) -> ServiceError:
    """Not the ARN of a user, a group or a role."""
    return ServiceError(
        "InvalidInput",
        f"Invalid Entity Arn: {arn} does not clearly define entity type and name.",
        400,
    )


def policies_of_another_account(caller_account: str, account: str) -> ServiceError:
    """The simulator reads policies of the caller's account only."""
    return ServiceError(
        "InvalidInput",
        f"Invalid Policy Source Arn: caller's account {caller_account} does not have access to "
        f"policies in account {account}",
        400,
    )


def resources_without_arn(resources: Iterable[str]) -> ServiceError:
    """Resources that are neither ARNs nor `*`."""
    return ServiceError(
        "InvalidInput",
        f"ResourceNames are not in a valid ARN format: {', '.join(resources)}.",
        400,
    )


def invalid_resource_owner(owner: str) -> ServiceError:
    """The owner of simulated resources is named by its root user's ARN."""
    return ServiceError("InvalidInput", f"'{owner}' is not a valid as a Resource Owner.", 400)


def invalid_action(action: str) -> ServiceError:
    """An action without its service, or with more than that (text ours)."""
    return ServiceError("InvalidInput", f"Invalid Input Actions: {action}.", 400)


simulated_caller_is_no_user = _refusal(
    "InvalidInput", "Invalid caller - Caller must be an IAM user in this context.", 400
)
"""A resource-based policy is simulated for IAM users only."""
several_boundaries = _refusal(
    "InvalidInput", "Only one permissions boundary policy can be simulated.", 400
)
"""More than one permissions boundary (text ours)."""
