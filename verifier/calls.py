"""The one way through every operation.

Parameter shape, then credentials, authorisation, injected faults, and only then the operation's
body, which keeps the rest of the order (user exists, self-management gate, association conflicts,
device limit, codes). Everything from the credentials on happens in one transaction. A refusal
undoes what the operation wrote, except one that is raised as `Refused`: a refused code leaves its
mark on the budget. Messages and observations leave after the commit.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypedDict, TypeVar, cast

from mfalab.verifier import (
    authorization,
    device_rules,
    names,
    parameter_rules,
    refusals,
    request_context,
)
from mfalab.verifier.authorization import Caller, Door, Signer, Target
from mfalab.verifier.clock import Clock
from mfalab.verifier.decision import Decision
from mfalab.verifier.delays import Delay, Streams, draw_ns
from mfalab.verifier.errors import ServiceError
from mfalab.verifier.outbox import Outbox
from mfalab.verifier.passwords import PasswordHasher
from mfalab.verifier.profile import Profile
from mfalab.verifier.records import Device, Identity
from mfalab.verifier.request_context import Context, MfaContext
from mfalab.verifier.store.protocol import Store, Transaction
from mfalab.verifier.trail import TrailEvent
from mfalab.verifier.webauthn.outcomes import CeremonyDecision

P = ParamSpec("P")
R = TypeVar("R")

Happening = Decision | CeremonyDecision | TrailEvent
Observer = Callable[[Happening], None]

_SECRET_PARAMETERS = frozenset(
    {
        "AuthenticationCode1",
        "AuthenticationCode2",
        "NewPassword",
        "OldPassword",
        "Password",
        "TokenCode",
    }
)


class Refused(Exception):
    """Ends an operation with a refusal and keeps what it wrote.

    Args: the refusal.
    """

    def __init__(self, error: ServiceError) -> None:
        super().__init__(error)
        self.error = error


@dataclass(slots=True)
class Call:
    """One operation under way."""

    service: Service
    tx: Transaction
    now_ns: int
    operation: str
    source_ip: str | None = None
    _caller: Caller | None = None
    _observed: list[Happening] = field(default_factory=list)
    _messages: list[Callable[[], None]] = field(default_factory=list)

    @property
    def caller(self) -> Caller:
        """Who signed the request."""
        assert self._caller is not None, f"{self.operation} is called without credentials"
        return self._caller

    @property
    def profile(self) -> Profile:
        """The verifier's figures."""
        return self.service.profile

    def random_bytes(self, count: int) -> bytes:
        """So many random bytes."""
        return self.service.random_bytes(count)

    def delay_ns(self, figure: str, subject: str) -> int:
        """How long a delay of the profile lasts this time; drawn from a stream of its own.

        Args:
            figure: the field of the profile.
            subject: what is delayed.
        """
        delay: Delay = getattr(self.profile, figure)
        return draw_ns(delay, self.service.delays, f"{figure}/{subject}/{self.now_ns}")

    def begin(self, credentials: Signer, door: Door = Door.STS) -> None:
        """Let the caller in whose credentials these are; the use of an access key is told late."""
        self._caller = authorization.authenticate(
            self.tx,
            credentials,
            self.now_ns,
            door,
            lambda key_id: self.delay_ns("access_key_last_used_lag_s", key_id),
        )

    def context(self, mfa: MfaContext | None = None) -> dict[str, str | tuple[str, ...]]:
        """The condition keys of this call; `mfa` in place of what the session says of it."""
        keys = authorization.context_of(self.caller, self.now_ns, self.profile, mfa)
        return keys if self.source_ip is None else {**keys, "aws:SourceIp": self.source_ip}

    def authorize(self, action: str, target: Target, more: Context, *resource: Any) -> None:
        """Decide whether the caller may do this now; see `authorization.authorize`."""
        context = {**self.context(), **more}
        authorization.authorize(self.tx, self.caller, action, target, context, *resource)

    def observe(self, happening: Happening) -> None:
        """Tell the observer after the commit."""
        self._observed.append(happening)

    def decide(
        self,
        verify: Callable[..., Decision],
        device: Device,
        *codes: str,
        tx: Transaction | None = None,
        **view: Any,
    ) -> Decision:
        """Decide on typed codes by `verify_code` or `verify_pair`, and tell the observer.

        `tx` replaces the call's own transaction where used codes are kept apart; a `view` goes to
        `verify_code`.
        """
        now_ns, profile = self.now_ns, self.profile
        tx = self.tx if tx is None else tx
        decision = verify(
            tx, device, *codes, now_ns=now_ns, profile=profile, operation=self.operation, **view
        )
        self.observe(decision)
        return decision

    def send(self, message: Callable[[Outbox], None]) -> None:
        """Hand a message to the outbox after the commit."""
        self._messages.append(lambda: message(self.service.outbox))


class Paging(TypedDict, total=False):
    """How a list is asked for in pages: the last parameters of each operation that lists."""

    Marker: str | None
    MaxItems: int | None


ResourceOf = Callable[[Call, Mapping[str, Any]], Target]
"""What a call is authorised on."""


class Service:
    """Shared by all doors: store, clock, random source, profile, passwords, outbox, observer."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
        profile: Profile,
        passwords: PasswordHasher,
        outbox: Outbox,
        observer: Observer | None,
        delays: Streams | None = None,
        trail: bool = True,
    ) -> None:
        self.trail = trail
        self.delays: Streams = delays or (lambda name: random_bytes)
        self.store = store
        self.clock = clock
        self.random_bytes = random_bytes
        self.profile = profile
        self.passwords = passwords
        self.outbox = outbox
        self.observer = observer
        self.faults: dict[str, list[ServiceError]] = {}

    def transact(self, operation: str, body: Callable[[Call], R]) -> R:
        """Run a body in one transaction, then send its messages and tell the observer.

        Raises:
            ServiceError: as the body does; what the body raises as `Refused` is committed first.
        """
        refusal: ServiceError | None = None
        with self.store.transaction() as tx:
            call = Call(self, tx, self.clock.now_ns(), operation)
            try:
                result = body(call)
            except Refused as refused:
                refusal = refused.error
        self.store.when_durable(lambda: self._tell(call))
        if refusal is not None:
            raise refusal
        return result

    def _tell(self, call: Call) -> None:
        for message in call._messages:  # noqa: SLF001 - the two classes are one mechanism
            message()
        if self.observer is not None:
            for happening in call._observed:  # noqa: SLF001 - as above
                self.observer(happening)

    def perform(
        self,
        operation: str,
        door: Door,
        credentials: Signer,
        parameters: Mapping[str, Any],
        body: Callable[[Call], R],
        *,
        resource: ResourceOf | None = None,
        action: str | None = None,
        source_ip: str | None = None,
    ) -> R:
        """Run a signed operation with bound parameters.

        `resource` None means that the body authorises.
        """
        happened: list[Call] = []

        def checked(call: Call) -> R:
            call.begin(credentials, door)
            call.source_ip = source_ip
            happened.append(call)
            authorization.check_enrolment(call.caller, operation)
            if resource is not None:
                call.authorize(
                    action or f"iam:{operation}",
                    resource(call, parameters),
                    request_context.request_context(parameters),
                )
            self.raise_fault(operation)
            return body(call)

        try:
            result = self.transact(operation, checked)
        except ServiceError as error:
            self._record(happened, door, parameters, error)
            raise
        self._record(happened, door, parameters, None)
        return result

    def authenticate(self, credentials: Signer, door: Door) -> None:
        """Look at credentials alone.

        Raises:
            ServiceError: they are not valid at this door.
        """
        self.transact("Authenticate", lambda call: call.begin(credentials, door))

    def raise_fault(self, operation: str) -> None:
        """Raise the next injected error of an operation, if there is one."""
        errors = self.faults.get(operation)
        if errors:
            raise errors.pop(0)

    def _record(
        self,
        happened: list[Call],
        door: Door,
        parameters: Mapping[str, Any],
        error: ServiceError | None,
    ) -> None:
        if self.observer is None or not self.trail or not happened:
            return
        call = happened[0]
        source = "sts" if door is Door.STS else "iam"
        fields: dict[str, Any] = {
            "eventSource": f"{source}.amazonaws.com",
            "eventType": "AwsApiCall",
            "userIdentity": user_identity(call.caller),
            "requestParameters": {
                name[0].lower() + name[1:]: value
                for name, value in parameters.items()
                if name not in _SECRET_PARAMETERS
            },
        }
        if error is not None:
            fields |= {"errorCode": error.code, "errorMessage": error.message}
        observer, event = self.observer, TrailEvent(call.operation, call.now_ns, fields)
        self.store.when_durable(lambda: observer(event))


def user_identity(caller: Caller) -> dict[str, Any]:
    """The `userIdentity` of a trail record; `mfaAuthenticated` is text, as CloudTrail has it."""
    kind = "AssumedRole" if caller.role else "Root" if caller.root else "IAMUser"
    if caller.federated:
        kind = "FederatedUser"
    fields: dict[str, Any] = {
        "type": kind,
        "arn": caller.arn,
        "accountId": caller.account.id,
        "accessKeyId": caller.access_key_id,
    }
    if kind == "IAMUser":
        fields["userName"] = caller.identity.name
    if caller.session is not None:
        authenticated = "true" if caller.mfa else "false"
        context: dict[str, Any] = {"attributes": {"mfaAuthenticated": authenticated}}
        if caller.assumed_root:
            context["assumedRoot"] = "true"
        fields["sessionContext"] = context
    return fields


def operation(
    name: str,
    door: Door,
    resource: ResourceOf | None,
) -> Callable[[Callable[Concatenate[Any, Call, P], R]], Callable[Concatenate[Any, P], R]]:
    """Make an operation of a body: it is called with the checks done and the `Call` in hand.

    Parameters are bound by AWS's service model, so that any keywords may be given: what does not
    fit is refused as `ServiceError`. The object's `_service`, `_credentials` and `_source_ip` give
    the service, the caller, and where the request came from.
    """

    def decorate(
        body: Callable[Concatenate[Any, Call, P], R],
    ) -> Callable[Concatenate[Any, P], R]:
        signature = _signature(body)
        taken = frozenset(signature.parameters)

        @wraps(body)
        def perform(self: Any, *args: P.args, **kwargs: P.kwargs) -> R:
            if args:
                raise TypeError(f"{name} takes its parameters by keyword only")
            service: Service = self._service
            try:
                bound = parameter_rules.bind(parameter_rules.input_of(door.value, name), kwargs)
                for member in bound:
                    if member not in taken:
                        raise refusals.not_implemented(name, member)
            except ServiceError:
                service.authenticate(self._credentials, door)  # refused first by AWS
                raise
            return service.perform(
                name,
                door,
                self._credentials,
                bound,
                lambda call: body(self, call, **bound),  # type: ignore[call-arg]  # bound by the model
                resource=resource,
                source_ip=self._source_ip,
            )

        perform.operation = name  # type: ignore[attr-defined]  # read by Verifier.inject
        perform.__signature__ = signature  # type: ignore[attr-defined]  # what `help` shows
        return cast("Callable[Concatenate[Any, P], R]", perform)

    return decorate


def _signature(body: Callable[..., Any]) -> inspect.Signature:
    """The signature of a body, with its `**paging` spelled out."""
    signature = inspect.signature(body)
    *named, last = signature.parameters.values()
    if last.kind is not inspect.Parameter.VAR_KEYWORD:
        return signature
    spelled = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=hint)
        for name, hint in Paging.__annotations__.items()
    ]
    return signature.replace(parameters=[*named, *spelled])


def transaction(
    name: str,
) -> Callable[[Callable[Concatenate[Any, Call, P], R]], Callable[Concatenate[Any, P], R]]:
    """Run a method in one transaction of its `_service`: it is called with the `Call` in hand."""

    def decorate(
        body: Callable[Concatenate[Any, Call, P], R],
    ) -> Callable[Concatenate[Any, P], R]:
        @wraps(body)
        def perform(self: Any, *args: P.args, **kwargs: P.kwargs) -> R:
            service: Service = self._service
            return service.transact(name, lambda call: body(self, call, *args, **kwargs))

        return cast("Callable[Concatenate[Any, P], R]", perform)

    return decorate


# What operations act on


def find_user(call: Call, name: str) -> Identity | None:
    """The IAM user of this name in the caller's account; names are compared without case."""
    found = call.tx.find(Identity, account_id=call.caller.account.id, name_key=name.lower())
    return found[0] if found and not found[0].root else None


def target_user(call: Call, name: str | None) -> Identity:
    """The identity an operation is about: the named user, or the caller when none is named.

    Raises:
        ServiceError: NoSuchEntity; ValidationError when a role session names no user.
    """
    if name is None:
        user = call.caller.user
        if user is None:
            raise refusals.user_name_needed()
        return user
    found = find_user(call, name)
    if found is None:
        raise refusals.no_such_user(name)
    return found


def on_user(call: Call, parameters: Mapping[str, Any]) -> Target:
    """Authorised on the user, who need not exist."""
    caller, name = call.caller, parameters.get("UserName", "")
    found = find_user(call, name) if name else target_user(call, None)
    if found is None:
        return Target(names.user_arn(caller.account, "/", name), f"user {name}")
    return target_of(call, found)


def target_of(call: Call, user: Identity) -> Target:
    """A user, or root, as what an action is authorised on."""
    arn = names.identity_arn(call.caller.account, user)
    return Target(arn, f"user {user.name}" if user.name else arn, user.id, user.tags)


def on_new_user(call: Call, parameters: Mapping[str, Any]) -> Target:
    """Authorised on the user that is to be made."""
    path = parameters.get("Path") or "/"
    return Target(names.user_arn(call.caller.account, path, parameters["UserName"]))


def on_everything(call: Call, parameters: Mapping[str, Any]) -> Target:
    """Authorised on `*`."""
    return Target("*")


def on_all(kind: str) -> ResourceOf:
    """Authorised on all entities of a kind, such as `user`: what lists them."""

    def resource(call: Call, parameters: Mapping[str, Any]) -> Target:
        return Target("*", names.entity_arn(call.caller.account, kind, "/", ""))

    return resource


def on_new_device(call: Call, parameters: Mapping[str, Any]) -> Target:
    """Authorised on the virtual device that is to be made."""
    path = parameters.get("Path") or "/"
    name = parameters.get("VirtualMFADeviceName") or call.caller.identity.name
    return Target(names.virtual_serial(call.caller.account, path, name))


def on_device(call: Call, parameters: Mapping[str, Any]) -> Target:
    """Authorised on the device, which is its owner's own."""
    serial = parameters["SerialNumber"]
    device = device_rules.device_of_serial(call.tx, serial)
    if device is None:
        return Target(serial)
    return Target(serial, owner_id=device.owner_id, tags=device.tags)
