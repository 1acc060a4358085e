# ruff: noqa: N803 - parameters are named as boto3 names them
"""The STS operations, with boto3's names, parameters and answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mfalab.verifier import (
    authorization,
    device_rules,
    names,
    permissions,
    propagation,
    refusals,
    root_tasks,
    sessions,
    tags,
)
from mfalab.verifier.authorization import (
    Door,
    Signer,
    Target,
    account_of,
    authorize,
    may_deny,
    verdict,
)
from mfalab.verifier.calls import Call, Refused, Service, operation
from mfalab.verifier.code_rules import verify_code
from mfalab.verifier.decision import Outcome
from mfalab.verifier.moments import moment
from mfalab.verifier.policy.denial import ending
from mfalab.verifier.policy.documents import Kind, parse
from mfalab.verifier.policy.evaluation import Decision as PolicyDecision
from mfalab.verifier.profile import RoleCredentialsMfa, RoleSessionMfa
from mfalab.verifier.records import AccessKey, Account, Identity, Role, Session, SessionKind
from mfalab.verifier.request_context import MfaContext, request_context
from mfalab.verifier.sessions import MfaProof, Passed

USER_SESSION_S = 43_200
"""Default of GetSessionToken and GetFederationToken for an IAM user; at most it is 129600."""
ROOT_SESSION_S = 3_600
"""Default and maximum of both for root: larger values are cut."""
ROOT_TASK_S = 900
"""Default and maximum of AssumeRoot."""
ROLE_SESSION_S = 3_600
"""Default of AssumeRole."""
CHAINED_SESSION_S = 3_600
"""Most that a role session may ask of AssumeRole."""
LONGEST_SESSION_TOKEN = 4_096
"""Characters; what SessionTokenUtilization is a percentage of."""
_ACCOUNT_ID = re.compile(r"[0-9]{12}")


class Sts:
    """STS for one caller. Every method raises `ServiceError` as STS refuses."""

    def __init__(self, service: Service, credentials: Signer, source_ip: str | None = None) -> None:
        self._service = service
        self._credentials = credentials
        self._source_ip = source_ip

    @operation("GetSessionToken", Door.STS, None)
    def get_session_token(
        self,
        call: Call,
        *,
        DurationSeconds: int | None = None,
        SerialNumber: str | None = None,
        TokenCode: str | None = None,
        MinimumSessionTokenSize: int = 0,
    ) -> dict[str, Any]:
        """Temporary credentials of the caller itself; with MFA if a code proves it."""
        user = call.caller.identity
        if call.caller.session is not None:
            raise refusals.session_calls_get_session_token()
        _check_not_denied(call, "sts:GetSessionToken")
        duration_s = _duration_s(user, DurationSeconds)
        proof = _proof(call, SerialNumber, TokenCode)
        session = sessions.issue(
            call,
            SessionKind.SESSION_TOKEN,
            user,
            duration_s,
            proof or MfaProof(),
            passed=Passed(token_size=MinimumSessionTokenSize),
        )
        return _issued(session)

    @operation("AssumeRole", Door.STS, None)
    def assume_role(
        self,
        call: Call,
        *,
        RoleArn: str,
        RoleSessionName: str,
        PolicyArns: Sequence[Mapping[str, str]] = (),
        Policy: str | None = None,
        DurationSeconds: int | None = None,
        Tags: Sequence[Mapping[str, str]] = (),
        TransitiveTagKeys: Sequence[str] = (),
        ExternalId: str | None = None,
        SerialNumber: str | None = None,
        TokenCode: str | None = None,
        SourceIdentity: str | None = None,
        ProvidedContexts: Sequence[Mapping[str, str]] = (),
        MinimumSessionTokenSize: int = 0,
    ) -> dict[str, Any]:
        """Temporary credentials of a role, of this account or another, that trusts the caller.

        Checks that need no code come first, so that a call that must fail costs no code.
        """
        caller = call.caller
        if caller.root:
            raise refusals.root_assumes_role()
        if caller.federated:
            raise refusals.not_authorized(caller.arn, "sts:AssumeRole", RoleArn)
        if ProvidedContexts:
            raise refusals.context_assertion_refused()
        passed = _passed(
            call,
            Tags=Tags,
            TransitiveTagKeys=TransitiveTagKeys,
            SourceIdentity=SourceIdentity,
            token_size=MinimumSessionTokenSize,
        )
        role = _role(call, RoleArn)
        if role is None:
            raise refusals.not_authorized(caller.arn, "sts:AssumeRole", RoleArn)
        account = account_of(call.tx, role.account_id)
        asked = {"sts:RoleSessionName": RoleSessionName, **request_context({"Tags": Tags})}
        if ExternalId is not None:
            asked["sts:ExternalId"] = ExternalId
        _authorize(call, account, role, passed, asked, coded=TokenCode is not None)
        policies = _session_policies(call, account, Policy, PolicyArns)
        duration_s = ROLE_SESSION_S
        if DurationSeconds is not None:
            duration_s = DurationSeconds
            if duration_s > role.max_session_s:
                raise refusals.duration_above_role_maximum()
            if caller.role is not None and duration_s > CHAINED_SESSION_S:
                raise refusals.duration_above_chaining_limit()
        proof = _proof(call, SerialNumber, TokenCode)
        if proof is None and caller.session is not None:
            proof = MfaProof(caller.session.mfa_ns, caller.session.mfa_serial)
        proof = proof or MfaProof()
        inherited = call.profile.role_credentials_mfa is RoleCredentialsMfa.INHERITED
        session = sessions.issue(
            call,
            SessionKind.ROLE,
            caller.identity,
            duration_s,
            proof if inherited else MfaProof(),
            role,
            RoleSessionName,
            passed._replace(policies=policies),
        )
        user = {
            "AssumedRoleId": f"{role.id}:{RoleSessionName}",
            "Arn": names.assumed_role_arn(account, role, RoleSessionName),
        }
        return {**_issued(session), "AssumedRoleUser": user}

    @operation("GetFederationToken", Door.STS, None)
    def get_federation_token(
        self,
        call: Call,
        *,
        Name: str,
        Policy: str | None = None,
        PolicyArns: Sequence[Mapping[str, str]] = (),
        DurationSeconds: int | None = None,
        Tags: Sequence[Mapping[str, str]] = (),
        MinimumSessionTokenSize: int = 0,
    ) -> dict[str, Any]:
        """Temporary credentials of a federated user, never with MFA.

        Without a session policy they may do nothing; else what the caller may do and it allows.
        """
        caller = call.caller
        if caller.session is not None:
            raise refusals.session_calls_get_federation_token()
        arn = names.federated_user_arn(caller.account, Name)
        asked = request_context({"Tags": Tags})
        for action in ("sts:GetFederationToken", *(["sts:TagSession"] if Tags else [])):
            call.authorize(action, Target(arn), asked)
        passed = Passed(
            _session_policies(call, caller.account, Policy, PolicyArns),
            tags.pairs(Tags),
            token_size=MinimumSessionTokenSize,
        )
        user = caller.identity
        session = sessions.issue(
            call,
            SessionKind.FEDERATION,
            user,
            _duration_s(user, DurationSeconds),
            MfaProof(),
            session_name=Name,
            passed=passed,
        )
        federated = {"FederatedUserId": f"{caller.account.id}:{Name}", "Arn": arn}
        return {**_issued(session), "FederatedUser": federated}

    @operation("AssumeRoot", Door.STS, None)
    def assume_root(
        self,
        call: Call,
        *,
        TargetPrincipal: str,
        TaskPolicyArn: Mapping[str, str],
        DurationSeconds: int = ROOT_TASK_S,
        MinimumSessionTokenSize: int = 0,
    ) -> dict[str, Any]:
        """Credentials of a member account's root user, for one task and at most 900 s.

        The caller is a user or a role of an account that manages the member account.
        """
        caller = call.caller
        partition = caller.account.partition
        task = root_tasks.find(partition, TaskPolicyArn.get("arn", ""))
        if task is None:
            raise refusals.no_root_task()
        account_id = TargetPrincipal.removeprefix(f"arn:{partition}:iam::").removesuffix(":root")
        if not _ACCOUNT_ID.fullmatch(account_id):
            raise refusals.invalid_target_principal()
        arn = f"arn:{partition}:iam::{account_id}:root"
        member = call.tx.get(Account, account_id)
        managed = member is not None and caller.account.id in member.managed_by
        if caller.root or caller.federated or not managed:
            raise refusals.not_authorized(caller.arn, "sts:AssumeRoot", arn)
        context = {**call.context(), "sts:TaskPolicyArn": TaskPolicyArn.get("arn", "")}
        said = verdict(
            call.tx, caller, "sts:AssumeRoot", Target(arn), context, None, caller.account.id
        )
        if not said.allowed:
            raise refusals.not_authorized(caller.arn, "sts:AssumeRoot", arn)
        enabled = {
            root_tasks.Feature.CREDENTIALS: call.profile.root_credentials_management,
            root_tasks.Feature.SESSIONS: call.profile.root_sessions,
        }
        if not enabled[task.feature]:
            raise refusals.root_feature_off(task.feature.value)
        root = call.tx.get(Identity, account_id)
        assert root is not None
        source = caller.session.source_identity if caller.session else None
        passed = Passed(
            (task.document(partition),),
            source_identity=source,
            token_size=MinimumSessionTokenSize,
        )
        session = sessions.issue(
            call, SessionKind.ROOT, root, DurationSeconds, MfaProof(), passed=passed
        )
        answer = _issued(session)
        answer.pop("PackedPolicySize", None)
        return answer

    @operation("GetAccessKeyInfo", Door.STS, None)
    def get_access_key_info(self, call: Call, *, AccessKeyId: str) -> dict[str, Any]:
        """The account that an access key, long-term or temporary, belongs to."""
        if call.caller.federated:  # GetCallerIdentity is all that federated users may ask of STS
            raise refusals.not_authorized(call.caller.arn, "sts:GetAccessKeyInfo", "*")
        call.authorize("sts:GetAccessKeyInfo", Target("*"), {})
        key = call.tx.get(AccessKey, AccessKeyId)
        owner = None if key is None else call.tx.get(Identity, key.identity_id)
        if owner is not None:
            return {"Account": owner.account_id}
        session = call.tx.get(Session, AccessKeyId)
        holder = None if session is None else authorization.session_caller(call.tx, session)
        if holder is None:
            raise refusals.unknown_access_key()
        return {"Account": holder.account.id}

    @operation("GetCallerIdentity", Door.STS, None)
    def get_caller_identity(self, call: Call) -> dict[str, Any]:
        """Who calls: open to any valid credentials."""
        caller = call.caller
        user_id = caller.identity.id
        if caller.role is not None and caller.session is not None:
            user_id = f"{caller.role.id}:{caller.session.session_name}"
        elif caller.federated and caller.session is not None:
            user_id = f"{caller.account.id}:{caller.session.session_name}"
        return {"UserId": user_id, "Account": caller.account.id, "Arn": caller.arn}


def _duration_s(user: Identity, asked_s: int | None) -> int:
    """How long credentials of a user, or of root, last; what root asks for is cut."""
    if user.root:
        return min(asked_s or ROOT_SESSION_S, ROOT_SESSION_S)
    return asked_s or USER_SESSION_S


def _proof(call: Call, serial: str | None, code: str | None) -> MfaProof | None:
    """Verify the MFA parameters of a call; None when it has none.

    The code must come from the caller's own device: a caller that is trusted across accounts proves
    MFA in its own account.
    """
    if serial is None and code is None:
        return None
    if serial is None or code is None:
        raise refusals.sts_half_parameters()
    user = call.caller.user
    if user is None and call.profile.role_session_mfa is RoleSessionMfa.IGNORED:
        return None
    device = None if user is None else device_rules.bound_device(call.tx, user, serial, call.now_ns)
    if device is None:
        raise refusals.sts_device_refused()
    view = propagation.view_of(call.tx, device, call.now_ns)
    decision = call.decide(verify_code, device, code, view=view)
    if decision.outcome is Outcome.THROTTLED:
        raise Refused(refusals.sts_device_refused())
    if not decision.accepted:
        raise Refused(refusals.sts_code_refused())
    return MfaProof(call.now_ns, serial)


def _role(call: Call, arn: str) -> Role | None:
    account_id, _, resource = arn.partition(":iam::")[2].partition(":")
    name = resource.rpartition("/")[2]
    for role in call.tx.find(Role, account_id=account_id, name_key=name.lower()):
        if names.role_arn(account_of(call.tx, account_id), role) == arn:
            return role
    return None


def _check_not_denied(call: Call, action: str) -> None:
    """Refuse an action that needs no permission where a policy denies it.

    The code that is about to be judged counts for nothing here: the guide's policy that forces MFA
    has to spare GetSessionToken.
    """
    if not may_deny(call.tx, call.caller, action):
        return
    said = verdict(call.tx, call.caller, action, Target("*"), call.context())
    if said.decision is PolicyDecision.EXPLICIT_DENY:
        raise refusals.not_authorized(call.caller.arn, action, "*" + ending(said, action))


def _authorize(
    call: Call,
    account: Account,
    role: Role,
    passed: Passed,
    asked: dict[str, str | tuple[str, ...]],
    *,
    coded: bool,
) -> None:
    """Refuse a caller whom the role does not trust, or whose own policies do not allow it.

    Where the call brings a code, the policies see MFA as proved just now: the code is judged only
    when it could help, and a wrong one refuses the call anyway.
    """
    mfa = None
    if coded and not (
        call.caller.user is None and call.profile.role_session_mfa is RoleSessionMfa.IGNORED
    ):
        mfa = MfaContext(present=True, age_s=0)
    actions = ["sts:AssumeRole"]
    if passed.tags:
        actions.append("sts:TagSession")
    if passed.transitive_tag_keys:
        asked["sts:TransitiveTagKeys"] = passed.transitive_tag_keys
    if passed.source_identity is not None:
        actions.append("sts:SetSourceIdentity")
        asked["sts:SourceIdentity"] = passed.source_identity
    trust = parse(role.trust_policy, Kind.TRUST, account.partition)
    target = Target(names.role_arn(account, role), tags=role.tags)
    for action in actions:
        context = {**call.context(mfa), **asked}
        authorize(
            call.tx, call.caller, action, target, context, trust, trusted_ids=role.trusted_ids
        )


def _passed(
    call: Call,
    *,
    Tags: Sequence[Mapping[str, str]],
    TransitiveTagKeys: Sequence[str],
    SourceIdentity: str | None,
    token_size: int,
) -> Passed:
    """What a role session is given, with what it inherits from the session that asks for it.

    Transitive tags and the source identity stay the same along a chain of roles.
    """
    pairs = tags.pairs(Tags)
    keys = {key.lower() for key, _ in pairs}
    transitive = tuple(key.lower() for key in TransitiveTagKeys)
    if not keys.issuperset(transitive):
        raise refusals.transitive_tag_missing()
    last = call.caller.session
    if last is not None:
        inherited = [tag for tag in last.tags if tag[0].lower() in last.transitive_tag_keys]
        if any(key.lower() in keys for key, _ in inherited):
            raise refusals.transitive_tag_replaced()
        pairs += tuple(inherited)
        transitive += last.transitive_tag_keys
        if last.source_identity and SourceIdentity not in (None, last.source_identity):
            raise refusals.source_identity_replaced()
    source_identity = SourceIdentity or (last.source_identity if last else None)
    return Passed((), pairs, transitive, source_identity, token_size)


def _session_policies(
    call: Call, account: Account, text: str | None, arns: Sequence[Mapping[str, str]]
) -> tuple[str, ...]:
    """The documents that narrow a role session, as they are now."""
    documents = [] if text is None else [text]
    if text is not None:
        parse(text, Kind.SESSION, account.partition)
    for each in arns:
        arn = each.get("arn", "")  # the model does not ask for it
        document = permissions.managed_document(call.tx, account, arn)
        if document is None:
            raise refusals.malformed_policy(f"Policy {arn} does not exist or is not attachable.")
        documents.append(document)
    return tuple(documents)


def _issued(session: Session) -> dict[str, Any]:
    """Credentials, and the members about the session that the answers of STS share."""
    size = len(session.token)
    used = -(-100 * size // LONGEST_SESSION_TOKEN)
    answer: dict[str, Any] = {
        "Credentials": {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret,
            "SessionToken": session.token,
            "Expiration": moment(session.expires_ns),
        },
        "SessionTokenUtilization": used,
        "SessionTokenSize": size,
    }
    if session.policies or session.tags:
        answer["PackedPolicySize"] = used
    if session.source_identity is not None:
        answer["SourceIdentity"] = session.source_identity
    return answer
