"""The verifier as a whole: its accounts, people and tokens, and its doors IAM, STS and console."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from mfalab.verifier import (
    authorization,
    aws_policies,
    names,
    parameter_rules,
    password_rules,
    permissions,
    refusals,
    request_context,
    security_keys,
    users,
)
from mfalab.verifier.arguments import typed, violations
from mfalab.verifier.authorization import Credentials, Door, Signer, Target
from mfalab.verifier.calls import Call, Observer, Service, transaction
from mfalab.verifier.clock import Clock
from mfalab.verifier.console import Console
from mfalab.verifier.delays import Streams
from mfalab.verifier.errors import ServiceError
from mfalab.verifier.iam import Iam
from mfalab.verifier.otp import key_schedule
from mfalab.verifier.outbox import Outbox
from mfalab.verifier.passwords import RFC9106, PasswordCost, PasswordHasher
from mfalab.verifier.policy.documents import Kind, parse
from mfalab.verifier.profile import AWS_IMMEDIATE, Profile
from mfalab.verifier.records import (
    Account,
    Device,
    DeviceKind,
    Identity,
    ManagedPolicy,
    Membership,
    MovingFactor,
    Role,
    UserGroup,
)
from mfalab.verifier.request_context import MfaContext
from mfalab.verifier.store.protocol import Store
from mfalab.verifier.sts import Sts


@dataclass(frozen=True, slots=True)
class TokenSeed:
    """A hardware token as its maker announces it."""

    serial: str
    secret: bytes = field(repr=False)
    algorithm: str = "SHA1"
    digits: int = 6
    period_s: int = 30
    moving_factor: MovingFactor = MovingFactor.TIME
    counter: int = 0
    drift_steps: int = 0
    """How far its clock was found ahead (RFC 6030 TimeDrift); used where the profile remembers."""


def _wrong(found: list[tuple[str, str]]) -> TypeError:
    return TypeError("; ".join(f"{at} must {rule}" for at, rule in found))


@typed(_wrong)
class Verifier:
    """An MFA verifier with the rules of AWS IAM, STS and the console, in process.

    All its state is in the store: a new `Verifier` on the same store continues it. An argument of
    another type than its annotation is a TypeError, before anything is written.

    Args:
        store: where records are kept.
        clock: the verifier's time, right or wrong.
        random_bytes: source of seeds, identifiers, codes and salts.
        profile: every figure and choice.
        delays: streams of random bytes by name, each at its start, for the delays of a profile
            that has some; left out, delays are drawn from `random_bytes`.
        password_cost: work of one password hash; `CHEAP` is for simulations.
        outbox: carries messages, mail and calls.
        observer: called with each `Decision`, `CeremonyDecision` and `TrailEvent` after its commit.
        trail: whether calls of IAM and STS are told to the observer as `TrailEvent`, too.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
        profile: Profile = AWS_IMMEDIATE,
        delays: Streams | None = None,
        password_cost: PasswordCost = RFC9106,
        outbox: Outbox,
        observer: Observer | None = None,
        trail: bool = True,
    ) -> None:
        self._service = Service(
            store=store,
            clock=clock,
            random_bytes=random_bytes,
            profile=profile,
            passwords=PasswordHasher(random_bytes=random_bytes, cost=password_cost),
            outbox=outbox,
            observer=observer,
            delays=delays,
            trail=trail,
        )
        self.console = Console(self._service)

    @property
    def profile(self) -> Profile:
        """The figures in force; another profile may be set at any time."""
        return self._service.profile

    @profile.setter
    def profile(self, profile: Profile) -> None:
        self._service.profile = profile

    @property
    def outbox(self) -> Outbox:
        """What carries messages, mail and calls; another may be set at any time."""
        return self._service.outbox

    @outbox.setter
    def outbox(self, outbox: Outbox) -> None:
        self._service.outbox = outbox

    @property
    def clock(self) -> Clock:
        """The verifier's clock."""
        return self._service.clock

    @property
    def store(self) -> Store:
        """The store of the verifier's records."""
        return self._service.store

    # Furnishing

    def create_account(
        self,
        account_id: str,
        *,
        root_email: str,
        root_password: str,
        root_phone: str | None = None,
        alias: str | None = None,
        partition: str = "aws",
        alternative_factors: bool = True,
        managed_by: Iterable[str] = (),
    ) -> Account:
        """Open an account with its root user.

        Users of the accounts that it is `managed_by` may assume its root (STS AssumeRoot).

        Raises:
            ValueError: the id is not 12 digits, the alias none, or the partition none of AWS's.
            Conflict: the account exists.
        """
        if len(account_id) != 12 or not (account_id.isascii() and account_id.isdigit()):
            raise ValueError(f"account id {account_id!r} is not 12 digits")
        if alias is not None:
            names.check_alias(alias)
        if partition not in names.PARTITIONS:
            known = ", ".join(names.PARTITIONS)
            raise ValueError(f"partition {partition!r} is none of {known}")
        password_hash = self._service.passwords.hash(root_password)

        def body(call: Call) -> Account:
            account = Account(
                account_id,
                partition,
                alias,
                root_email,
                root_phone,
                alternative_factors,
                call.now_ns,
                tuple(managed_by),
            )
            call.tx.insert(account)
            call.tx.insert(
                Identity(
                    id=account_id,
                    account_id=account_id,
                    name="",
                    name_key="",
                    path="/",
                    root=True,
                    password_hash=password_hash,
                    created_ns=call.now_ns,
                    password_changed_ns=call.now_ns,
                    password_created_ns=call.now_ns,
                )
            )
            return account

        return self._service.transact("CreateAccount", body)

    def create_user(
        self,
        account_id: str,
        name: str,
        *,
        password: str | None = None,
        path: str = "/",
        administrator: bool = False,
        password_reset_required: bool = False,
        policies: Iterable[str] | None = None,
    ) -> Identity:
        """Create an IAM user; with a password it may use the console.

        Args:
            account_id: of the account.
            name: the user's.
            password: for the console.
            path: of the user's ARN.
            administrator: attach AdministratorAccess; all others may manage themselves and
                their own MFA devices (`aws_policies.SELF_MANAGEMENT`).
            password_reset_required: whether the first sign-in asks for a new password.
            policies: ARNs of the managed policies to attach in place of those.

        Raises:
            ServiceError: the name is malformed, or taken whatever its case; there is no such
                policy.
        """
        parameter_rules.bind(
            parameter_rules.input_of("iam", "CreateUser"), {"UserName": name, "Path": path}
        )
        password_hash = None if password is None else self._service.passwords.hash(password)

        def body(call: Call) -> Identity:
            account = _account(call, account_id)
            identity = users.create(
                call,
                account,
                name,
                path=path,
                password_hash=password_hash,
                password_reset_required=password_reset_required,
            )
            default = aws_policies.ADMINISTRATOR if administrator else aws_policies.SELF_MANAGEMENT
            arns = [aws_policies.arn_of(account.partition, default)]
            _attach(call, account, identity.id, arns if policies is None else policies)
            return identity

        return self._service.transact("CreateUser", body)

    def set_password(self, identity_id: str, password: str) -> None:
        """Give a user, or root, whose id is the account's, another password for the console.

        Pages that the one before opened are over; no password policy is asked.

        Raises:
            ValueError: there is no such identity.
        """
        password_hash = self._service.passwords.hash(password)

        def body(call: Call) -> None:
            password_rules.replace_hash(call, _identity(call, identity_id), password_hash)

        self._service.transact("SetPassword", body)

    @transaction("CreateAccessKey")
    def create_access_key(self, call: Call, identity_id: str) -> Credentials:
        """Long-term credentials of a user, or of root, whose id is the account's.

        Raises:
            ServiceError: the identity has two keys.
            ValueError: there is no such identity.
        """
        key = users.create_access_key(call, _identity(call, identity_id))
        return Credentials(key.id, key.secret)

    def create_role(
        self,
        account_id: str,
        name: str,
        *,
        trusts: Iterable[str] = (),
        requires_mfa: bool = False,
        mfa_max_age_s: int | None = None,
        external_id: str | None = None,
        trust_policy: str | None = None,
        policies: Iterable[str] = (),
        path: str = "/",
        max_session_s: int = 3600,
    ) -> Role:
        """Create a role.

        Args:
            account_id: of the account.
            name: the role's.
            trusts: ARNs of the users, roles and whole accounts that may assume it.
            requires_mfa: whether those must have proved MFA.
            mfa_max_age_s: how long ago they may have proved it, in seconds.
            external_id: what those must say, as `sts:ExternalId`.
            trust_policy: a document in place of the four.
            policies: ARNs of the managed policies to attach.
            path: of the role's ARN.
            max_session_s: the longest session, 3600 to 43200 seconds.

        Raises:
            ServiceError: the name is malformed, or taken whatever its case; the trust policy is
                malformed; there is no such policy.
            ValueError: the longest session is not between 1 and 12 hours.
        """
        given = {"RoleName": name, "Path": path}
        members = parameter_rules.input_of("iam", "CreateRole").members
        parameter_rules.bind(parameter_rules.some_of(members, given, {"RoleName"}), given)
        if not 3600 <= max_session_s <= 43_200:
            raise ValueError(f"max_session_s is {max_session_s}; a role's lies in 3600..43200")
        document = trust_policy or permissions.trust_policy(
            trusts,
            requires_mfa=requires_mfa,
            mfa_max_age_s=mfa_max_age_s,
            external_id=external_id,
        )

        def body(call: Call) -> Role:
            account = _account(call, account_id)
            parse(document, Kind.TRUST, account.partition)
            key = name.lower()
            if call.tx.find(Role, account_id=account_id, name_key=key):
                raise refusals.role_exists(name)
            role = Role(
                id=names.unique_id("AROA", call.random_bytes),
                account_id=account_id,
                name=name,
                name_key=key,
                path=path,
                trust_policy=document,
                trusted_ids=permissions.trusted_ids(call.tx, document, strict=False),
                max_session_s=max_session_s,
                created_ns=call.now_ns,
            )
            call.tx.insert(role)
            _attach(call, account, role.id, policies)
            return role

        return self._service.transact("CreateRole", body)

    @transaction("CreatePolicy")
    def create_policy(self, call: Call, account_id: str, name: str, document: str) -> ManagedPolicy:
        """Create a customer managed policy.

        Raises:
            ServiceError: name or document is malformed; the name is taken, whatever its case.
            ValueError: there is no such account.
        """
        parameter_rules.bind(
            parameter_rules.input_of("iam", "CreatePolicy"),
            {"PolicyName": name, "PolicyDocument": document},
        )
        account = _account(call, account_id)
        parse(document, Kind.MANAGED, account.partition)
        policy_id = names.unique_id("ANPA", call.random_bytes)
        return permissions.create_policy(call.tx, account, policy_id, name, document, call.now_ns)

    def create_group(
        self,
        account_id: str,
        name: str,
        *,
        members: Iterable[str] = (),
        policies: Iterable[str] = (),
    ) -> UserGroup:
        """Create a group of users.

        Args:
            account_id: of the account.
            name: the group's.
            members: unique ids of users.
            policies: ARNs of the managed policies to attach.

        Raises:
            ServiceError: the name is malformed, or taken whatever its case; there is no such
                policy.
            ValueError: there is no such account, or no such user in it.
        """
        parameter_rules.bind(parameter_rules.input_of("iam", "CreateGroup"), {"GroupName": name})

        def body(call: Call) -> UserGroup:
            account = _account(call, account_id)
            group_id = names.unique_id("AGPA", call.random_bytes)
            group = permissions.create_group(call.tx, account, group_id, name, call.now_ns)
            for member in members:
                user = _identity(call, member)
                if user.root or user.account_id != account.id:
                    raise ValueError(f"{member} is no user of account {account.id}")
                call.tx.update(Membership(user.id, group.id))
            _attach(call, account, group.id, policies)
            return group

        return self._service.transact("CreateGroup", body)

    def register_tokens(self, seeds: Iterable[TokenSeed]) -> None:
        """Take in a maker's shipment: from now on these serial numbers can be enabled.

        Raises:
            ValueError: a serial number is known already, or a figure is none of a token.
        """
        shipment = list(seeds)
        wrong = [each for seed in shipment for each in violations("seeds", TokenSeed, seed)]
        if wrong:
            raise _wrong(wrong)
        for seed in shipment:
            _check_figures(seed)

        def body(call: Call) -> None:
            for seed in shipment:
                if call.tx.find(Device, serial=seed.serial):
                    raise ValueError(f"a token with serial number {seed.serial} is known already")
                event = seed.moving_factor is MovingFactor.EVENT
                drift = seed.drift_steps if self.profile.drift_memory and not event else 0
                call.tx.insert(
                    Device(
                        id=names.unique_id("MFA", call.random_bytes),
                        kind=DeviceKind.HARDWARE,
                        serial=seed.serial,
                        account_id=None,
                        name="",
                        path="/",
                        created_ns=call.now_ns,
                        secret=seed.secret,
                        algorithm=seed.algorithm,
                        digits=seed.digits,
                        period_s=seed.period_s,
                        moving_factor=seed.moving_factor,
                        offset_steps=seed.counter if event else drift,
                        pair_offset_steps=drift,
                    )
                )

        self._service.transact("RegisterTokens", body)

    def register_u2f_key(
        self, identity_id: str, name: str, registration_data: bytes, client_data_hash: bytes
    ) -> str:
        """Give a user, or root, a key that was registered through the U2F API.

        WebAuthn cannot make such a key: it is registered for the profile's `app_id`, and signs in
        by the extension `appid`.

        Args:
            identity_id: the key's owner.
            name: a part of the serial number.
            registration_data: the response message of U2F_REGISTER, without the status word.
            client_data_hash: the challenge parameter of the request, 32 bytes.

        Returns:
            The serial number.

        Raises:
            ServiceError: the identity has as many devices as it may have.
            CeremonyFailed: the registration does not verify, or the key is registered.
            ValueError: there is no such identity.
        """

        def body(call: Call) -> str:
            owner = _identity(call, identity_id)
            return security_keys.register_u2f(
                call, owner, name, registration_data, client_data_hash
            )

        return self._service.transact("RegisterU2fKey", body)

    # Doors

    def iam(self, credentials: Signer, source_ip: str | None = None) -> Iam:
        """IAM as this caller sees it; policies may look at where the requests come from."""
        return Iam(self._service, credentials, source_ip)

    def sts(self, credentials: Signer, source_ip: str | None = None) -> Sts:
        """STS as this caller sees it; policies may look at where the requests come from."""
        return Sts(self._service, credentials, source_ip)

    def authenticate(self, credentials: Signer, door: Door) -> None:
        """Look at credentials without an operation.

        Raises:
            ServiceError: they are not valid at this door.
        """
        self._service.authenticate(credentials, door)

    # Beside the service

    @transaction("IdentityArn")
    def identity_arn(self, call: Call, identity_id: str) -> str:
        """The ARN of a user, or of root (an account's id), as trust policies name it."""
        identity = _identity(call, identity_id)
        account = authorization.account_of(call.tx, identity.account_id)
        return names.identity_arn(account, identity)

    @transaction("RoleArn")
    def role_arn(self, call: Call, role: Role) -> str:
        """The ARN of a role."""
        return names.role_arn(authorization.account_of(call.tx, role.account_id), role)

    @transaction("AccountOf")
    def account_of(self, call: Call, credentials: Signer) -> str:
        """The id of the account that credentials are of.

        Raises:
            ServiceError: they are not valid, or not any more.
        """
        call.begin(credentials)
        return call.caller.account.id

    @transaction("MfaContext")
    def mfa_context(self, call: Call, credentials: Signer) -> MfaContext:
        """What policies would see of MFA in a request with these credentials.

        Raises:
            ServiceError: the credentials are not valid, or not any more.
        """
        call.begin(credentials)
        return request_context.mfa_context(
            call.caller.session, call.now_ns, call.profile, root=call.caller.root
        )

    def authorize(
        self,
        credentials: Signer,
        action: str,
        resource: str = "*",
        *,
        resource_policy: str | None = None,
        resource_account: str | None = None,
        context: Mapping[str, str | tuple[str, ...]] | None = None,
    ) -> None:
        """Decide on a request to any other service, such as `s3:ListAllMyBuckets`.

        Args:
            credentials: of the caller.
            action: the service's prefix and the operation.
            resource: an ARN, or `*`.
            resource_policy: the policy of the resource, such as a bucket's.
            resource_account: the account of the resource, where its ARN does not tell; by
                default the caller's.
            context: condition keys of the request besides those of the caller and its MFA.

        Raises:
            ServiceError: the credentials are not valid, AccessDenied, or the resource's policy is
                malformed.
            ValueError: the context has a key that the credentials tell, such as that of MFA.
        """

        def body(call: Call) -> None:
            call.begin(credentials)
            told = {key.lower() for key in call.context()}
            if again := sorted(key for key in context or {} if key.lower() in told):
                raise ValueError(f"the credentials tell {', '.join(again)}; leave it out")
            policy = None
            if resource_policy is not None:
                policy = parse(resource_policy, Kind.RESOURCE, call.caller.account.partition)
            call.authorize(action, Target(resource), context or {}, policy, resource_account)

        self._service.transact("Authorize", body)

    def inject(self, operation: str, error: ServiceError, times: int = 1) -> None:
        """Let the next calls of an operation fail, after authorisation and before all else.

        Args:
            operation: AWS's name, such as `EnableMFADevice`, or `ConsoleLogin`.
            error: what is raised, such as EntityTemporarilyUnmodifiable.
            times: how many calls fail.

        Raises:
            ValueError: no operation has this name.
        """
        if operation not in OPERATIONS:
            raise ValueError(f"there is no operation {operation!r}; there are {sorted(OPERATIONS)}")
        self._service.faults.setdefault(operation, []).extend([error] * times)


def _check_figures(seed: TokenSeed) -> None:
    key_schedule(seed.secret, seed.algorithm)
    if not 6 <= seed.digits <= 10 or seed.period_s < 1 or seed.counter < 0:
        raise ValueError(
            f"token {seed.serial} has {seed.digits} digits, a period of {seed.period_s} s and "
            f"counter {seed.counter}; use 6 to 10, 1 or more, 0 or more"
        )


def _account(call: Call, account_id: str) -> Account:
    account = call.tx.get(Account, account_id)
    if account is None:
        raise ValueError(f"there is no account {account_id}")
    return account


def _attach(call: Call, account: Account, owner_id: str, policies: Iterable[str]) -> None:
    for arn in policies:
        if permissions.managed_policy(call.tx, account, arn) is None:
            raise refusals.policy_not_attachable(arn)
        permissions.attach(call.tx, account.id, owner_id, arn)


def _identity(call: Call, identity_id: str) -> Identity:
    identity = call.tx.get(Identity, identity_id)
    if identity is None:
        raise ValueError(f"there is no identity {identity_id}")
    return identity


OPERATIONS = frozenset(
    method.operation
    for door in (Iam, Sts)
    for _, method in inspect.getmembers(door)
    if hasattr(method, "operation")
) | {"ConsoleLogin"}
"""All operations that errors can be injected into."""
