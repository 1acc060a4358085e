"""One case in an account at an endpoint: furnished by an administrator, used as its people do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import quote

from mfalab.devices.errors import ProvisioningError
from mfalab.devices.otp.qr import read_qr
from mfalab.simulator.clocks.wall import Wall, meet
from mfalab.simulator.entropy import SystemEntropy
from mfalab.simulator.environment.outcome import ExpectationFailed
from mfalab.simulator.environment.target import NotOffered, Premises, TargetFailed, TargetGone
from mfalab.simulator.language.setting import VerifierSpec
from mfalab.simulator.targets import embedded
from mfalab.simulator.targets.aws.made import Made
from mfalab.simulator.targets.aws.names import Names
from mfalab.simulator.targets.aws.wire import Answered, Wire
from mfalab.verifier import (
    Account,
    Credentials,
    Identity,
    Profile,
    ServiceError,
    TokenSeed,
    TrailEvent,
    aws_policies,
    permissions,
)
from mfalab.verifier.names import qr_png

FAULT = "a fault"
"""What the event log calls what a target gives that is of no use."""

_ALLOWED = ("DryRunOperation", "InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed")
"""What EC2 says to a dry run of what the caller may do."""
_NO_INSTANCE = "i-0123456789abcdef0"
_TAG = "mfalab"
_USUAL = VerifierSpec().resolve()
"""The rules of a verifier that a scenario says nothing of."""
_ANYWHERE = [
    "iam:CreateVirtualMFADevice",
    "iam:GetAccountPasswordPolicy",
    "iam:ListUsers",
    "iam:ListVirtualMFADevices",
]
_ON_ONESELF = [
    "iam:ChangePassword",
    "iam:CreateAccessKey",
    "iam:DeactivateMFADevice",
    "iam:DeleteAccessKey",
    "iam:EnableMFADevice",
    "iam:GetAccessKeyLastUsed",
    "iam:GetMFADevice",
    "iam:GetUser",
    "iam:ListAccessKeys",
    "iam:ListMFADevices",
    "iam:ResyncMFADevice",
    "iam:UpdateAccessKey",
]
_ON_DEVICES = [
    "iam:DeleteVirtualMFADevice",
    "iam:ListMFADeviceTags",
    "iam:TagMFADevice",
    "iam:UntagMFADevice",
]
_ON_ROLES = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]


class Place(Protocol):
    """What a case needs of its endpoint."""

    label: str
    wire: Wire
    account: str
    partition: str
    movable: bool

    @property
    def wall(self) -> Wall | None:
        """Its time, if a lab must keep step with it."""
        ...

    def announce(self, seeds: Iterable[TokenSeed]) -> None:
        """Tell the verifier of hardware tokens."""
        ...

    def rule(self, figures: Mapping[str, Any]) -> None:
        """Change figures of the verifier's rules."""
        ...

    def finished(self) -> None:
        """Get ready for the next case."""
        ...


@dataclass(frozen=True, slots=True)
class _Made:
    """A policy, a group or a role, as far as a lab looks at it."""

    arn: str


@dataclass(slots=True)
class AwsTarget:
    """An account at an endpoint. See `Target`."""

    place: Place
    premises: Premises
    prefix: str
    names: Names = field(init=False)
    made: Made = field(init=False)
    users: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name and ARN of each user, by its id in the lab."""
    policies: dict[str, str] = field(default_factory=dict)
    """ARNs of copies of AWS's policies, by the ARNs of these."""
    faults: list[str] = field(default_factory=list)
    """What it gave its people that is of no use, though a lab could go on."""
    racing: bool = False
    _rules: Profile = field(init=False)

    def __post_init__(self) -> None:
        self.names = Names(self.prefix, self.place.account)
        self.made = Made(self.place.wire, self.place.account, self.place.partition)
        self._rules = _USUAL
        self._set_rules(self.premises.profile)

    def __getattr__(self, name: str) -> Any:
        raise NotOffered(f"{self.place.label} has no {name.replace('_', ' ')}")

    @property
    def profile(self) -> Profile:
        """See `Target`: no endpoint tells its rules, so they are AWS's, or those that were set."""
        return replace(self._rules, name=self.place.label)

    @profile.setter
    def profile(self, profile: Profile) -> None:
        self._set_rules(profile)

    def _set_rules(self, profile: Profile) -> None:
        """Change what is otherwise than before.

        Raises:
            NotOffered: nothing could change it back: it has no word for a figure that is none.
        """
        new, old = (VerifierSpec.figures(each) for each in (profile, self._rules))
        changed = {word: value for word, value in new.items() if value != old[word]}
        nothing = [
            word for word in changed if None in (new[word], VerifierSpec.figures(_USUAL)[word])
        ]
        if nothing:
            raise NotOffered(f"{self.place.label} cannot be rid again of {', '.join(nothing)}")
        if changed:
            self.place.rule(changed)
        self._rules = profile

    def iam(self, credentials: Credentials) -> Any:
        """See `Target`."""
        return _Door(self, "iam", credentials)

    def sts(self, credentials: Credentials) -> Any:
        """See `Target`."""
        return _Door(self, "sts", credentials)

    # Furnishing

    def create_account(self, account_id: str, *, partition: str, **given: Any) -> Account:
        """The account that there is, under the scenario's id."""
        if partition != self.place.partition:
            raise NotOffered(
                f"{self.place.label} has an account of partition {self.place.partition}, "
                f"not of {partition}"
            )
        self.names.call_account(account_id)
        now_ns = self.premises.clock.now_ns()
        return Account(
            account_id, partition, given["alias"], given["root_email"], None, False, now_ns
        )

    def create_user(
        self,
        account_id: str,
        name: str,
        *,
        path: str,
        administrator: bool,
        policies: Iterable[str] | None,
        **_: Any,
    ) -> Identity:
        """Create a user with a password that is not told: it would open a real console."""
        made = self._furnish("create_user", UserName=name, Path=path, Tags=self._tags())
        password = SystemEntropy().random_bytes("password")(24).hex() + "-Aa1"
        self._furnish("create_login_profile", UserName=name, Password=password)
        if policies is None:
            usual = aws_policies.ADMINISTRATOR if administrator else aws_policies.SELF_MANAGEMENT
            policies = [aws_policies.arn_of(self.place.partition, usual)]
        self._attach("user", name, policies)
        identity_id = f"{account_id}/{name}"
        self.users[identity_id] = name, made["User"]["Arn"]
        return Identity(
            id=identity_id,
            account_id=account_id,
            name=name,
            name_key=name.lower(),
            path=path,
            root=False,
            password_hash=None,
            created_ns=self.premises.clock.now_ns(),
        )

    def create_group(
        self, account_id: str, name: str, *, members: Iterable[str], policies: Iterable[str]
    ) -> None:
        """See `Target`."""
        self._furnish("create_group", GroupName=name)
        for member in members:
            self._furnish("add_user_to_group", GroupName=name, UserName=self.users[member][0])
        self._attach("group", name, policies)

    def create_policy(self, account_id: str, name: str, document: str) -> _Made:
        """See `Target`."""
        answer = self._furnish(
            "create_policy", PolicyName=name, PolicyDocument=document, Tags=self._tags()
        )
        return _Made(answer["Policy"]["Arn"])

    def create_role(
        self,
        account_id: str,
        name: str,
        *,
        trusts: Iterable[str],
        requires_mfa: bool,
        mfa_max_age_s: int | None,
        external_id: str | None,
        trust_policy: str | None,
        max_session_s: int,
        policies: Iterable[str],
    ) -> _Made:
        """See `Target`."""
        answer = self._furnish(
            "create_role",
            RoleName=name,
            AssumeRolePolicyDocument=trust_policy
            or permissions.trust_policy(
                trusts,
                requires_mfa=requires_mfa,
                mfa_max_age_s=mfa_max_age_s,
                external_id=external_id,
            ),
            MaxSessionDuration=max_session_s,
            Tags=self._tags(),
        )
        self._attach("role", name, policies)
        return _Made(answer["Role"]["Arn"])

    def role_arn(self, role: _Made) -> str:
        """See `Target`."""
        return role.arn

    def identity_arn(self, identity_id: str) -> str:
        """See `Target`; an account's id is that of its root."""
        if identity_id in self.users:
            return self.users[identity_id][1]
        return f"arn:{self.place.partition}:iam::{identity_id}:root"

    def create_access_key(self, identity_id: str) -> Credentials:
        """See `Target`."""
        answer = self._furnish("create_access_key", UserName=self.users[identity_id][0])
        key = answer["AccessKey"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def register_tokens(self, seeds: Iterable[TokenSeed]) -> None:
        """Announce tokens where there is a control that takes their seeds; no API does."""
        renamed = [replace(each, serial=self.names.call_token(each.serial)) for each in seeds]
        if renamed:
            self.place.announce(renamed)

    # Beside IAM and STS

    def authorize(
        self, credentials: Credentials, action: str, resource: str = "*", **_: object
    ) -> None:
        """Ask S3 for the buckets, or EC2 whether something would be allowed."""
        self.meet()
        wire = self.place.wire
        if action == "s3:ListAllMyBuckets":
            self._told("list_buckets", lambda: wire.call("s3", "list_buckets", {}, credentials))
            return
        method, region = "describe_instances", None
        given: dict[str, Any] = {"DryRun": True}
        if action == "ec2:TerminateInstances":
            parts = resource.split(":")
            region = parts[3] if len(parts) > 5 else None
            instance = resource.rpartition("/")[2]
            method = "terminate_instances"
            given |= {"InstanceIds": [_NO_INSTANCE if instance == "*" else instance]}
        try:
            self._told(method, lambda: wire.call("ec2", method, given, credentials, region))
        except ServiceError as refusal:
            if refusal.code in _ALLOWED:
                return
            if refusal.code != "UnauthorizedOperation":
                raise
            text = refusal.message.removeprefix("You are not authorized to perform this operation.")
            raise ServiceError("AccessDenied", text.strip(), refusal.status) from None
        raise TargetFailed(f"{self.place.label} did what was a dry run of {action}")

    def race(self, submit: Callable[[], object], requests: int) -> list[bool]:
        """See `Target`: every request has a thread and a connection of its own."""
        self.meet()
        self.racing = True
        try:
            return embedded.race(submit, requests)
        finally:
            self.racing = False

    def close(self) -> None:
        """Take away what the case made.

        Raises:
            TargetFailed: not all of it could be removed.
            ExpectationFailed: a person could not have come to the end of the case.
        """
        failures: list[TargetFailed] = []
        for do in (self.made.remove, lambda: self._set_rules(_USUAL), self.place.finished):
            try:
                do()
            except TargetFailed as failure:  # whatever fails hides nothing else
                failures.append(failure)
        if failures:
            gone = any(isinstance(each, TargetGone) for each in failures)
            first, *more = map(str, failures)
            told = [first, *(each for each in dict.fromkeys(more) if each not in first)]
            raise (TargetGone if gone else TargetFailed)("; ".join(told))
        if self.faults:
            raise ExpectationFailed(*self.faults)

    def call(
        self,
        service: str,
        method: str,
        given: Mapping[str, Any],
        credentials: Credentials | None = None,
    ) -> Any:
        """Call an operation in the scenario's names; an administrator does without credentials.

        Raises:
            ServiceError: it is refused.
            TargetFailed: there is no verdict.
        """
        self.meet()
        sent = self.names.parameters(given)
        noted = self.made.by(method, sent) if service == "iam" else nullcontext()
        with noted:
            wire = self.place.wire
            answer = self._told(method, lambda: wire.call(service, method, sent, credentials))
        if method == "create_virtual_mfa_device":
            self._make_scannable(answer["VirtualMFADevice"])
        return answer

    def _make_scannable(self, device: dict[str, Any]) -> None:
        """Where no app can scan the picture, draw one of the secret, which is typed in then."""
        try:
            read_qr(device["QRCodePNG"])
        except ProvisioningError:
            serial = device["SerialNumber"].rpartition("/")[2]
            seed = device["Base32StringSeed"].decode(errors="replace")
            device["QRCodePNG"] = qr_png(f"otpauth://totp/{quote(serial)}?secret={quote(seed)}")
            self.faults = [
                "a QRCodePNG that an app can scan",
                "bytes that are no picture of a code",
            ]
            fields = {"operation": "CreateVirtualMFADevice", "expected": self.faults[0]}
            now_ns = self.premises.clock.now_ns()
            self.premises.observer(TrailEvent(FAULT, now_ns, {**fields, "got": self.faults[1]}))

    def meet(self) -> None:
        """Keep step with the endpoint's time; in a race it stands."""
        if self.place.wall is not None and not self.racing:
            meet(self.place.wall, self.premises.timeline)

    def _told(self, method: str, call: Callable[[], Any]) -> Any:
        """An answer, or a refusal, in the scenario's names."""
        try:
            return Answered.of(method, self.names.answer(call()))
        except ServiceError as refusal:
            text = self.names.text(refusal.message)
            raise ServiceError(refusal.code, text, refusal.status) from None

    def _furnish(self, method: str, **given: Any) -> Any:
        """Call IAM as an administrator: what it refuses to do for us is no verdict on a case."""
        try:
            return self.call("iam", method, given)
        except ServiceError as refusal:
            raise TargetFailed(
                f"{self.place.label} refuses {method} to the administrator that its credentials "
                f"should be of: {refusal}"
            ) from None

    def _attach(self, to: str, name: str, arns: Iterable[str]) -> None:
        for arn in arns:
            self._furnish(
                f"attach_{to}_policy", **{f"{to.title()}Name": name}, PolicyArn=self._there(arn)
            )

    def _there(self, arn: str) -> str:
        """A policy's ARN; an endpoint that lacks AWS's own is given a copy."""
        found = aws_policies.find(self.place.partition, arn)
        if found is None:
            return arn
        if arn not in self.policies:
            policy, document = found
            ours = policy.name == aws_policies.SELF_MANAGEMENT.rpartition("/")[2]
            if ours and not self.place.movable:  # no server of ours, as far as is known
                made = self.create_policy("", policy.name, self._self_management())
            elif not self._has(arn):
                made = self.create_policy("", policy.name, document)
            else:
                made = _Made(arn)
            self.policies[arn] = made.arn
        return self.policies[arn]

    def _has(self, arn: str) -> bool:
        """Whether there is such a policy."""
        try:
            self.call("iam", "get_policy", {"PolicyArn": arn})
        except ServiceError as refusal:
            if refusal.code != "NoSuchEntity":
                why = f"{self.place.label} refuses get_policy: {refusal}"
                raise TargetFailed(why) from None
            return False
        return True

    def _self_management(self) -> str:
        """Rights on oneself in AWS's words, as ours have a condition key that is ours alone."""
        iam, prefix = f"arn:{self.place.partition}:iam::*", self.prefix
        statements = (
            (_ANYWHERE, ["*"]),
            (_ON_ONESELF, [f"{iam}:user/${{aws:username}}", f"{iam}:user/*/${{aws:username}}"]),
            # The names of a case's devices and roles: no others are to be touched by its people.
            (_ON_DEVICES, [f"{iam}:mfa/{prefix}*", f"{iam}:mfa/*/{prefix}*"]),
            (_ON_ROLES, [f"{iam}:role/{prefix}*"]),
        )
        allowed = [
            {"Effect": "Allow", "Action": actions, "Resource": resources}
            for actions, resources in statements
        ]
        return json.dumps({"Version": "2012-10-17", "Statement": allowed})

    def _tags(self) -> list[dict[str, str]]:
        return [{"Key": _TAG, "Value": self.prefix.strip("-")}]


@dataclass(frozen=True, slots=True)
class _Door:
    """IAM or STS as a caller sees it, with boto3's methods."""

    target: AwsTarget
    service: str
    credentials: Credentials

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(**given: Any) -> Any:
            return self.target.call(self.service, method, given, self.credentials)

        return call
