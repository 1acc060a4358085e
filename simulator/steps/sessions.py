"""Steps that ask STS for credentials, and look at what they are worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from mfalab.simulator.abilities import Ability, Need
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.environment.environment import Environment
from mfalab.simulator.environment.outcome import ExpectationFailed, ScenarioError
from mfalab.simulator.environment.people import Person
from mfalab.simulator.language.units import Seconds, Span
from mfalab.simulator.language.words import (
    AccountName,
    DeviceName,
    Name,
    PersonName,
    PolicyName,
    RoleName,
    SessionName,
)
from mfalab.simulator.steps.base import Step
from mfalab.simulator.steps.refusals import READING, SIGNED
from mfalab.simulator.steps.sign_in import WithCode
from mfalab.verifier import Credentials, Outcome

ON_THE_WIRE = ("s3:ListAllMyBuckets", "ec2:DescribeInstances", "ec2:TerminateInstances")
"""Actions that can be asked for anywhere without a trace: EC2 has dry runs."""


class MakesSession(Step):
    """A step that STS answers with temporary credentials."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.API,)
    using: SessionName | None = None
    """`keys` (the default) or a session's name."""
    duration: Seconds | None = None
    """How long the session is to last; STS decides when left out."""
    as_: Annotated[Name | None, Field(alias="as")] = None
    """What to call the session in later steps."""

    def lasting(self) -> dict[str, Any]:
        """DurationSeconds, if it is given."""
        return {} if self.duration is None else {"DurationSeconds": self.duration // NS_PER_S}

    def keep(self, env: Environment, answer: dict[str, Any]) -> Credentials:
        """Take the credentials out of an answer and remember them under their name."""
        credentials = Credentials.of(answer)
        if self.as_ is not None:
            env.sessions[self.as_] = credentials
        return credentials


class StsCall(WithCode, MakesSession):
    """A step that may prove MFA to STS."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.API,)
    serial: str | None = None
    """A serial number or ARN to give instead of the device's own."""
    serial_of: DeviceName | None = None
    """Another device whose serial number is given."""
    omit: Literal["code", "serial"] | None = None
    """Leave one of the two MFA parameters out."""

    def parameters(self, env: Environment, person: Person) -> dict[str, Any]:
        """DurationSeconds, SerialNumber and TokenCode as far as they are given."""
        given: dict[str, Any] = {**self.lasting()}
        if self.with_ is not None or self.serial is not None:
            given |= self._mfa(env, person)
        return given

    def _mfa(self, env: Environment, person: Person) -> dict[str, str]:
        device = env.device(self.with_) if self.with_ else None
        named = env.device(self.serial_of) if self.serial_of else device
        serial = self.serial or (named.serial if named else None)
        if device is None or serial is None:
            raise ScenarioError("a code needs a device with a serial number; see `with`")
        mfa: dict[str, str] = {}
        if self.omit != "serial":
            mfa["SerialNumber"] = serial
        if self.omit != "code":
            mfa["TokenCode"] = person.read_and_type(device, self.code, self.typed)
        return mfa


class GetSession(StsCall):
    """Get temporary credentials for oneself, with or without MFA (STS GetSessionToken)."""

    calls: ClassVar[tuple[str, ...]] = ("GetSessionToken",)
    meets: ClassVar[frozenset[str]] = READING
    decides: ClassVar[tuple[type[StrEnum], ...]] = (Outcome,)
    do: Literal["get_session"] = "get_session"

    def perform(self, env: Environment) -> object:
        """See the class."""
        person = env.person(self.who)
        credentials = person.credentials(self.using or "keys")
        given = self.parameters(env, person)
        person.note("calls GetSessionToken", mfa="SerialNumber" in given)
        return self.keep(env, env.target.sts(credentials).get_session_token(**given))


class AssumeRole(StsCall):
    """Assume a role, with or without MFA (STS AssumeRole)."""

    calls: ClassVar[tuple[str, ...]] = ("AssumeRole",)
    meets: ClassVar[frozenset[str]] = READING
    decides: ClassVar[tuple[type[StrEnum], ...]] = (Outcome,)
    do: Literal["assume_role"] = "assume_role"
    role: RoleName
    external_id: str | None = None
    """What the role's trust policy may ask for besides."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        person = env.person(self.who)
        credentials = person.credentials(self.using or "keys")
        given = self.parameters(env, person)
        if self.external_id is not None:
            given["ExternalId"] = self.external_id
        person.note("calls AssumeRole", role=self.role, mfa="SerialNumber" in given)
        answer = env.target.sts(credentials).assume_role(
            RoleArn=env.roles[self.role], RoleSessionName=person.name, **given
        )
        return self.keep(env, answer)


class GetFederationToken(MakesSession):
    """Get credentials for a federated user, which never have MFA (STS GetFederationToken)."""

    calls: ClassVar[tuple[str, ...]] = ("GetFederationToken",)
    do: Literal["get_federation_token"] = "get_federation_token"
    who: PersonName
    federated_user: str
    """What the federated user is called."""
    policy: str | None = None
    """A session policy, as JSON; without one the federated user may do nothing."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        person = env.person(self.who)
        person.note("calls GetFederationToken", federated_user=self.federated_user)
        answer = env.target.sts(person.credentials(self.using or "keys")).get_federation_token(
            Name=self.federated_user,
            Policy=self.policy,
            **self.lasting(),
        )
        return self.keep(env, answer)


class AssumeRoot(MakesSession):
    """Assume the root user of an account that one's own account manages (STS AssumeRoot)."""

    calls: ClassVar[tuple[str, ...]] = ("AssumeRoot",)
    do: Literal["assume_root"] = "assume_root"
    who: PersonName
    account: AccountName
    task: Literal[
        "IAMAuditRootUserCredentials",
        "IAMCreateRootUserPassword",
        "IAMDeleteRootUserCredentials",
        "S3UnlockBucketPolicy",
        "SQSUnlockQueuePolicy",
    ]
    """What the session may do, and nothing else, for at most 15 minutes."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        person, account = env.person(self.who), env.account(self.account)
        person.note("calls AssumeRoot", account=self.account, task=self.task)
        policy = f"arn:{account.partition}:iam::aws:policy/root-task/{self.task}"
        answer = env.target.sts(person.credentials(self.using or "keys")).assume_root(
            TargetPrincipal=account.id, TaskPolicyArn={"arn": policy}, **self.lasting()
        )
        return self.keep(env, answer)


class Request(Step):
    """Ask another service for something, such as S3 or EC2: policies alone decide."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.API,)
    meets: ClassVar[frozenset[str]] = SIGNED
    do: Literal["request"] = "request"
    who: PersonName
    action: str
    """Such as s3:ListAllMyBuckets."""
    resource: str = "*"
    """An ARN."""
    using: SessionName | None = None
    """`keys` (the default) or a session's name."""
    resource_policy: PolicyName | None = None
    """The policy of the resource, such as a bucket's: a name in `policies`."""
    owner: AccountName | None = None
    """The account of the resource, where the ARN does not tell; that of the caller if left out."""

    def needs(self) -> Iterator[Need]:
        """See `Step.needs`."""
        yield from super().needs()
        if self.action not in ON_THE_WIRE or self.resource_policy or self.owner:
            yield Need(Ability.REQUESTS)

    def perform(self, env: Environment) -> object:
        """See the class."""
        person = env.person(self.who)
        person.note("makes a request", action=self.action, resource=self.resource)
        named = self.resource_policy
        env.target.authorize(
            person.credentials(self.using),
            self.action,
            self.resource,
            resource_policy=None if named is None else env.policies.document(named),
            resource_account=None if self.owner is None else env.account(self.owner).id,
        )
        return None


class WhoAmI(Step):
    """Ask who the credentials belong to (STS GetCallerIdentity)."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.API,)
    calls: ClassVar[tuple[str, ...]] = ("GetCallerIdentity",)
    do: Literal["who_am_i"] = "who_am_i"
    who: PersonName
    using: SessionName | None = None
    spoilt: Literal["secret", "token"] | None = None
    """Sign with a secret access key that differs in one character, or send such a session token."""
    arn_ends: str | None = None
    """How the answered ARN ends."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        credentials = env.person(self.who).credentials(self.using)
        if self.spoilt == "secret":
            secret = _one_off(credentials.secret_access_key)
            credentials = replace(credentials, secret_access_key=secret)
        elif self.spoilt == "token":
            if credentials.session_token is None:
                raise ScenarioError("access keys have no session token; name a session in `using`")
            token = _one_off(credentials.session_token)
            credentials = replace(credentials, session_token=token)
        answer = env.target.sts(credentials).get_caller_identity()
        if self.arn_ends is not None and not answer["Arn"].endswith(self.arn_ends):
            raise ExpectationFailed(f"an ARN that ends in {self.arn_ends}", answer["Arn"])
        return answer


def _one_off(text: str) -> str:
    return text[:-1] + ("A" if text[-1] != "A" else "B")


class CheckMfa(Step):
    """Check what a policy would see: aws:MultiFactorAuthPresent and aws:MultiFactorAuthAge."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.API, Ability.CONTEXT)
    meets: ClassVar[frozenset[str]] = SIGNED
    do: Literal["check_mfa"] = "check_mfa"
    who: PersonName
    using: SessionName | None = None
    present: Literal["true", "false", "absent"]
    younger_than: Span | None = None
    """The age is below this."""
    older_than: Span | None = None
    """The age is above this."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        context = env.target.mfa_context(env.person(self.who).credentials(self.using))
        seen = {None: "absent", True: "true", False: "false"}[context.present]
        if seen != self.present:
            raise ExpectationFailed(f"MultiFactorAuthPresent {self.present}", seen)
        age_ns = None if context.age_s is None else context.age_s * NS_PER_S
        if self.younger_than is not None and (age_ns is None or age_ns >= self.younger_than):
            raise ExpectationFailed(
                f"MultiFactorAuthAge below {self.younger_than // NS_PER_S} s", f"{context.age_s} s"
            )
        if self.older_than is not None and (age_ns is None or age_ns <= self.older_than):
            raise ExpectationFailed(
                f"MultiFactorAuthAge above {self.older_than // NS_PER_S} s", f"{context.age_s} s"
            )
        return context
