"""Every refusal of the verifier: code, exact text, HTTP status.

Texts marked *ours* are not documented by AWS; all others are the service's, to the letter.
"""

from mfalab.verifier.errors import ServiceError

# Credentials and permission


def invalid_client_token() -> ServiceError:
    """Unknown credentials; also IAM called with a session that was obtained without MFA."""
    return ServiceError(
        "InvalidClientTokenId", "The security token included in the request is invalid.", 403
    )


def signature_does_not_match() -> ServiceError:
    """The secret access key is wrong."""
    return ServiceError(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your "
        "AWS Secret Access Key and signing method. Consult the service documentation for details.",
        403,
    )


def expired_token() -> ServiceError:
    """The session is over."""
    return ServiceError(
        "ExpiredToken", "The security token included in the request is expired", 403
    )


def not_authorized(caller_arn: str, action: str, resource: str) -> ServiceError:
    """No policy allows it."""
    return ServiceError(
        "AccessDenied",
        f"User: {caller_arn} is not authorized to perform: {action} on resource: {resource}",
        403,
    )


def mfa_session_needed() -> ServiceError:
    """The self-management gate of 2023-04-21."""
    return ServiceError(
        "AccessDenied",
        "To complete this action, please ensure that you are authenticated with an MFA device "
        "that is enabled for this user.",
        403,
    )


def user_name_needed() -> ServiceError:
    """The user was left out, and the caller is none."""
    return validation_error("Must specify userName when calling with non-User credentials")


# Parameters


def validation_error(message: str) -> ServiceError:
    """A parameter breaks its constraint."""
    return ServiceError("ValidationError", message, 400)


def invalid_path() -> ServiceError:
    """A path without its slashes."""
    return validation_error(
        "The specified value for path is invalid. It must begin and end with / and contain only "
        "alphanumeric characters and/or / characters."
    )


def invalid_marker() -> ServiceError:
    """A marker that no list call gave out."""
    return validation_error("Invalid Marker.")


def malformed_integer(member: str) -> ServiceError:
    """Not the spelling of a 32-bit integer (text ours)."""
    return ServiceError("MalformedInput", f"Value at '{member}' is not a 32-bit integer.", 400)


def duplicate_tag_keys() -> ServiceError:
    """Two tags of one request have one key."""
    return ServiceError(
        "InvalidInput",
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        400,
    )


# Users and devices


def no_such_user(name: str) -> ServiceError:
    """The account has no user of this name."""
    return ServiceError("NoSuchEntity", f"The user with name {name} cannot be found.", 404)


def user_exists(name: str) -> ServiceError:
    """The account has a user of this name, whatever its case."""
    return ServiceError("EntityAlreadyExists", f"User with name {name} already exists.", 409)


def role_exists(name: str) -> ServiceError:
    """The account has a role of this name, whatever its case."""
    return ServiceError("EntityAlreadyExists", f"Role with name {name} already exists.", 409)


def quota_exceeded(quota: str, limit: int) -> ServiceError:
    """One more than a quota allows."""
    return ServiceError("LimitExceeded", f"Cannot exceed quota for {quota}: {limit}", 409)


def no_such_device(serial: str) -> ServiceError:
    """No device has this serial number."""
    return ServiceError(
        "NoSuchEntity", f"MFA Device with serial number {serial} does not exist.", 404
    )


def device_invalid_for_user() -> ServiceError:
    """The device is unassigned, or another identity's."""
    return ServiceError("NoSuchEntity", "MFA Device invalid for user.", 404)


def device_exists() -> ServiceError:
    """A device of this path and name exists already, assigned or not."""
    return ServiceError("EntityAlreadyExists", "MFA device already exists.", 409)


def device_already_on_user(name: str) -> ServiceError:
    """The device is assigned to this user already."""
    return ServiceError("EntityAlreadyExists", f"MFA Device for user {name} already exists.", 409)


def device_in_use() -> ServiceError:
    """The device is another identity's."""
    return ServiceError("EntityAlreadyExists", "MFA Device is already in use.", 409)


def invalid_authentication_code() -> ServiceError:
    """The code or the pair of codes is not accepted, for whatever reason."""
    return ServiceError(
        "InvalidAuthenticationCode", "Authentication code for device is not valid.", 403
    )


def virtual_device_in_use() -> ServiceError:
    """An assigned device cannot be deleted."""
    return ServiceError("DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.", 409)


def user_has_devices() -> ServiceError:
    """A user with MFA devices cannot be deleted."""
    return ServiceError(
        "DeleteConflict", "Cannot delete entity, must remove tokens from principal first.", 409
    )


def only_security_keys() -> ServiceError:
    """GetMFADevice of anything but a security key."""
    return validation_error(
        "The MFA device serial number sent in the request is invalid or not supported by this "
        "API. Currently, only hardware FIDO security keys are supported. Please use the "
        "compatible device or API."
    )


# Credential report


def report_not_present() -> ServiceError:
    """No report was ever generated."""
    return ServiceError(
        "ReportNotPresent",
        "The request was rejected because the credential report does not exist. To generate a "
        "credential report, use GenerateCredentialReport.",
        410,
    )


def report_expired() -> ServiceError:
    """The last report is too old."""
    return ServiceError(
        "ReportExpired",
        "The request was rejected because the most recent credential report has expired. To "
        "generate a new credential report, use GenerateCredentialReport.",
        410,
    )


def report_in_progress() -> ServiceError:
    """The report is not finished yet."""
    return ServiceError(
        "ReportInProgress",
        "The request was rejected because the credential report is still being generated.",
        404,
    )


# STS


def sts_code_refused() -> ServiceError:
    """Wrong code, or a right one that was used before. The text ends with a space."""
    return ServiceError(
        "AccessDenied",
        "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
        403,
    )


def sts_device_refused() -> ServiceError:
    """Unknown, another identity's, not yet propagated, of a kind without codes, or throttled."""
    return ServiceError(
        "AccessDenied",
        "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA "
        "serial number is valid and associated with this user.",
        403,
    )


def sts_half_parameters() -> ServiceError:
    """Serial number without code, or code without serial number (text unconfirmed)."""
    return ServiceError(
        "AccessDenied",
        "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass "
        "code.",
        403,
    )


def session_calls_get_session_token() -> ServiceError:
    """GetSessionToken wants long-term credentials."""
    return ServiceError("AccessDenied", "Cannot call GetSessionToken with session credentials", 403)


def root_assumes_role() -> ServiceError:
    """AssumeRole by a root user."""
    return ServiceError("AccessDenied", "Roles may not be assumed by root accounts.", 403)


def duration_above_role_maximum() -> ServiceError:
    """DurationSeconds above the role's own limit."""
    return validation_error(
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    )


def duration_above_chaining_limit() -> ServiceError:
    """DurationSeconds above what a role session may ask for."""
    return validation_error(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
        "chaining."
    )


# Console (texts ours but for the first)


def failed_authentication() -> ServiceError:
    """Unknown user or wrong password: which of the two is not said."""
    return ServiceError("FailedAuthentication", "Failed authentication", 403)


def sign_in_locked() -> ServiceError:
    """Too many refused codes in a row, where the profile locks."""
    return ServiceError(
        "SignInLocked", "Too many authentication codes were not valid. Try again later.", 403
    )


def page_gone() -> ServiceError:
    """The second page is unknown, too old, or already used."""
    return ServiceError(
        "SignInExpired", "This sign-in page is no longer valid. Enter your password again.", 403
    )


def kind_not_offered(kind: str) -> ServiceError:
    """The identity has no usable device of this kind."""
    return ServiceError(
        "InvalidInput", f"There is no MFA device of kind {kind} to sign in with.", 400
    )


def choose_kind_first() -> ServiceError:
    """Several kinds of device, and none chosen."""
    return ServiceError("InvalidInput", "Choose the kind of MFA device to sign in with.", 400)


def kind_has_no_codes(kind: str) -> ServiceError:
    """A code was typed where the device shows none."""
    return ServiceError("InvalidInput", f"An MFA device of kind {kind} has no codes.", 400)


def resync_not_offered() -> ServiceError:
    """An IAM user asks for resynchronisation before the page offers it."""
    return ServiceError(
        "AccessDenied", "Resynchronization is offered after repeated refused codes.", 403
    )


def rate_exceeded() -> ServiceError:
    """Too many attempts in too short a time."""
    return ServiceError("Throttling", "Rate exceeded", 400)


# Security keys (texts ours; which check was not passed, only the observer hears)


def assertion_refused() -> ServiceError:
    """The security key's answer at sign-in is not accepted, or there is none."""
    return ServiceError(
        "InvalidAssertion", "Authentication with the security key failed. Try again.", 403
    )


def security_key_not_registered() -> ServiceError:
    """The answer at registration is not accepted, or there is none."""
    return ServiceError(
        "InvalidRegistration", "The security key could not be registered. Start again.", 400
    )


def security_key_not_accepted() -> ServiceError:
    """The key is sound, and of a model or an algorithm that is not accepted."""
    return ServiceError(
        "SecurityKeyNotAccepted", "Security keys of this model are not accepted.", 400
    )


# SMS (texts ours)


def sms_not_offered() -> ServiceError:
    """SMS devices can no longer be enabled."""
    return ServiceError(
        "InvalidInput",
        "SMS text message MFA is no longer available. Choose another type of MFA device.",
        400,
    )


def sms_not_for_root() -> ServiceError:
    """SMS was never offered to a root user."""
    return ServiceError(
        "InvalidInput", "SMS text message MFA is not available to the root user.", 400
    )


def invalid_phone() -> ServiceError:
    """Not a telephone number."""
    return ServiceError("InvalidInput", "The phone number is not valid.", 400)


# Root recovery (texts ours)


def recovery_not_for_users() -> ServiceError:
    """An IAM user cannot help itself."""
    return ServiceError(
        "AccessDenied",
        "Alternative factors are for the root user. Ask your administrator to deactivate the "
        "MFA device.",
        403,
    )


def recovery_disabled() -> ServiceError:
    """The account's alternative factors were switched off by AWS Support."""
    return ServiceError(
        "AccessDenied",
        "Sign-in with alternative factors is disabled for this account. Contact AWS Support.",
        403,
    )


def recovery_step_refused() -> ServiceError:
    """A step out of its order, or of a recovery that is over."""
    return ServiceError(
        "AccessDenied", "This step of the verification is not possible now. Start again.", 403
    )


def recovery_link_refused() -> ServiceError:
    """The link was used, replaced by a newer one, too old, or made up."""
    return ServiceError(
        "AccessDenied", "This link is not valid any more. Send the verification e-mail again.", 403
    )


def recovery_phone_missing() -> ServiceError:
    """There is no number to call."""
    return ServiceError(
        "AccessDenied", "This account has no telephone number on file. Contact AWS Support.", 403
    )


def recovery_digits_refused() -> ServiceError:
    """Wrong digits on the keypad."""
    return ServiceError(
        "InvalidAuthenticationCode", "The digits that were entered are not valid.", 403
    )


def recovery_call_expired() -> ServiceError:
    """The call is over."""
    return ServiceError("AccessDenied", "The call has expired. Ask for a new call.", 403)
