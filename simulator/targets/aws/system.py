"""Any IAM and STS endpoint as a system under test: its address, its account, its time.

    aws:http://127.0.0.1:8765                 an endpoint on this machine
    aws:https://sts.example                   another one, with the account's id beside it
    aws:                                      AWS itself, likewise
    aws:URL?profile=NAME&clock=none           with options

Options: `profile`, of boto3; `name`, for reports; `clock=none` for an endpoint that looks at no
clock, so that a lab need not wait for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import boto3
from botocore.exceptions import BotoCoreError
from botocore.utils import get_environ_proxies

from mfalab.simulator.abilities import OF_SYSTEM, Ability, Offer
from mfalab.simulator.clocks.wall import Wall
from mfalab.simulator.entropy import SystemEntropy
from mfalab.simulator.environment.target import NotOffered, Premises, Target, TargetFailed
from mfalab.simulator.targets.aws.clock import ServedClock, wall_of
from mfalab.simulator.targets.aws.http import PATIENCE_S, Http, Transport
from mfalab.simulator.targets.aws.rehearsal import ANY_ACCOUNT, LeapingWall, Rehearsal
from mfalab.simulator.targets.aws.target import AwsTarget
from mfalab.simulator.targets.aws.wire import REGION, Called, Wire
from mfalab.verifier import ServiceError, TokenSeed
from mfalab.verifier.wire.hosts import Host

PREFIX = "mfalab-"
"""How the name of everything begins that a lab makes in an account."""
TOKEN = "MFALAB_TOKEN"
"""The environment variable with the control token of `mfalab serve`."""
_OPTIONS = ("profile", "name", "clock")
_HAS = {
    Ability.API,
    Ability.ENROL,
    Ability.REMOVE,
    Ability.CODES,
    Ability.RESYNC,
    Ability.RACE,
    Ability.AWS_WORDS,
}


@dataclass(frozen=True, slots=True)
class Address:
    """What `--target aws:...` says.

    Attributes:
        text: the whole of it.
        url: of the endpoint; None for AWS's own.
        profile: of boto3, whose credentials are the administrator's.
        name: what reports call it.
        timeless: whether it looks at no clock.
    """

    text: str
    url: str | None
    profile: str | None = None
    name: str = ""
    timeless: bool = False

    @classmethod
    def of(cls, text: str) -> Address:
        """Read it.

        Raises:
            ValueError: it is none; the sentence says why, and what to write.
        """
        parts = urlsplit(text.removeprefix("aws:"))
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        if unknown := options.keys() - set(_OPTIONS):
            raise ValueError(f"no option is called {min(unknown)}; there are {', '.join(_OPTIONS)}")
        if options.get("clock", "none") != "none":
            raise ValueError("clock can be none only, for an endpoint that looks at no clock")
        url = parts._replace(query="", fragment="").geturl()
        if url and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError(f'"{url}" is no URL; write http://127.0.0.1:PORT, or nothing for AWS')
        if parts.username or parts.password:
            raise ValueError(
                "a URL holds no credentials; set them in the environment, or name a profile="
            )
        port = parts.port  # raises ValueError
        place = f"{parts.hostname}:{port}" if port else parts.hostname
        return cls(
            text,
            url or None,
            options.get("profile"),
            options.get("name") or f"aws {place or ''}".strip(),
            "clock" in options,
        )

    @property
    def local(self) -> bool:
        """Whether it is of this machine, by what it says and not by what a name server says."""
        return Host(urlsplit(self.url or "").hostname or "", None).loopback


@dataclass(slots=True)
class AwsSystem:
    """An endpoint with an account of which we are an administrator. See `SystemUnderTest`.

    Attributes:
        label: what to call it in reports.
        address: what `--target` names it by.
        wire: its services.
        account: the account's id.
        partition: of the account's ARNs.
        clock: its time; None where the lab's time is good enough.
        movable: whether its time is moved by us, so that no test has to wait.
    """

    label: str
    address: str
    wire: Wire
    account: str
    partition: str
    clock: Wall | None
    movable: bool = False
    one_process = True
    suite = ""
    _number: count[int] = field(default_factory=lambda: count(1))
    _run: str = field(default_factory=lambda: SystemEntropy().random_bytes("run")(3).hex())

    @property
    def wall(self) -> Wall | None:
        """See `SystemUnderTest`."""
        return self.clock

    @property
    def offer(self) -> Offer:
        """See `SystemUnderTest`."""
        lacks = dict.fromkeys(OF_SYSTEM - _HAS, "no API does it")
        lacks[Ability.RULES] = "it has rules of its own"
        lacks[Ability.ALONE] = lacks[Ability.ACCOUNTS] = "its account is given"
        lacks[Ability.ANY_TIME] = lacks[Ability.SERVER_CLOCK] = "its time goes forward only"
        if self.clock is None:
            del lacks[Ability.ANY_TIME]
        elif self.movable:
            del lacks[Ability.TOKENS], lacks[Ability.COUNTERS], lacks[Ability.RULES]
        else:
            lacks[Ability.LONG_WAIT] = "it lives in the wall's time"
        return Offer.of_all_but(self.label, lacks)

    def open(self, premises: Premises) -> Target:
        """An account in which nothing has a name of this case's.

        Raises:
            TargetFailed: the endpoint is not there.
        """
        prefix = f"{PREFIX}{self._run}-{next(self._number)}-"
        target = AwsTarget(self, premises, prefix)
        # What is not offered is never asked for: a case that needs it is skipped before.
        return cast("Target", target)

    def announce(self, seeds: Iterable[TokenSeed]) -> None:
        """Tell the verifier of hardware tokens, by its control.

        Raises:
            NotOffered: there is none.
        """
        if not isinstance(self.clock, ServedClock | LeapingWall):
            raise NotOffered(f"{self.label} cannot be told the seeds of hardware tokens")
        self.clock.announce(seeds)

    def rule(self, figures: Mapping[str, Any]) -> None:
        """Change figures of the verifier's rules, by its control.

        Raises:
            NotOffered: there is none.
        """
        if not isinstance(self.clock, ServedClock | LeapingWall):
            raise NotOffered(f"{self.label} has rules of its own")
        self.clock.rule(figures)

    def finished(self) -> None:
        """Get ready for the next case."""
        self.wire.forget()
        if isinstance(self.clock, ServedClock):
            self.clock.begin()


def connect(
    address: Address, *, real_account: str | None = None, patience_s: float = PATIENCE_S
) -> AwsSystem:
    """Find out whose credentials we have; nothing else is asked for, and nothing is made.

    Args:
        address: of the endpoint.
        real_account: the account's id, without which only an endpoint on this machine is talked to.
        patience_s: how long an answer may take.

    Raises:
        ValueError: the endpoint is elsewhere, and the account's id is not given.
        TargetFailed: the endpoint is not there, refuses the credentials, or has another account.
    """
    if not address.local and real_account is None:
        where = address.url or "AWS"
        raise ValueError(
            f"{where} is not this machine: say by --real-account ACCOUNT_ID in which account "
            "users, roles and policies may be made and removed; --dry-run lists the calls before"
        )
    try:
        session = boto3.Session(profile_name=address.profile)
    except BotoCoreError as error:
        raise TargetFailed(str(error)) from None
    proxies = {} if address.local else get_environ_proxies(address.url or "https://")
    http = Http(address.name, patience_s, proxies=proxies)
    wire = Wire(address.name, session, http, address.url)
    try:
        identity = wire.call("sts", "get_caller_identity", {})
    except ServiceError as refusal:
        raise TargetFailed(f"{address.name} refuses the credentials: {refusal}") from None
    account, arn = str(identity["Account"]), str(identity["Arn"])
    if len(account) != 12 or not (account.isascii() and account.isdigit()) or arn.count(":") < 5:
        raise TargetFailed(f"{address.name} says that the credentials are of {account!r}, {arn!r}")
    if real_account not in (None, account):
        raise TargetFailed(
            f"the credentials are of account {account}, not of {real_account}; nothing was done"
        )
    clock = None if address.timeless else _clock(address, http, identity)
    return AwsSystem(
        address.name,
        address.text,
        wire,
        account,
        arn.split(":")[1],
        clock,
        isinstance(clock, ServedClock),
    )


def rehearse(
    address: Address, listener: Callable[[Called], None], *, real_account: str | None = None
) -> AwsSystem:
    """What stands for an endpoint, so that its calls are told and none is sent.

    Args:
        address: of the endpoint.
        listener: told of each call.
        real_account: the id that the account has.

    Raises:
        ValueError: that is no account's id.
    """
    account = real_account or ANY_ACCOUNT
    stage = Rehearsal.of(account)
    keys = stage.administrator
    session = boto3.Session(keys.access_key_id, keys.secret_access_key, region_name=REGION)
    wire = Wire(address.name, session, stage, address.url, listener)
    wire.call("sts", "get_caller_identity", {})
    movable = _token(address) is not None
    clock = None if address.timeless else stage.clock
    return AwsSystem(address.name, address.text, wire, account, "aws", clock, movable)


def _token(address: Address) -> str | None:
    """The control token of a server of ours; no other host is sent it."""
    return os.environ.get(TOKEN) if address.local else None


def _clock(address: Address, transport: Transport, identity: object) -> Wall:
    """The time of an endpoint."""
    token = _token(address)
    if token and address.url:
        served = ServedClock(transport, address.url, token)
        if served.read():
            served.begin()
            return served
    metadata = cast("dict[str, dict[str, dict[str, str]]]", identity)["ResponseMetadata"]
    try:
        date = parsedate_to_datetime(metadata["HTTPHeaders"]["date"])
    except (KeyError, ValueError, TargetFailed):
        date = None
    return wall_of(date)
