"""The relying party that is served beside the account, for what speaks the FIDO server-test API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from mfalab.verifier import Clock, Profile
from mfalab.verifier.webauthn.cose import ALGORITHMS
from mfalab.verifier.webauthn.relying_party import RelyingParty
from mfalab.verifier.wire.asgi import Application, one_by_one
from mfalab.verifier.wire.fido import FidoApi, failed
from mfalab.verifier.wire.hosts import host_of, read_host
from mfalab.verifier.wire.messages import Request, Response

PLACE = ("rp_id", "rp_name", "origins", "app_id")
"""The figures of a profile that say where its ceremonies take place."""


def fido_application(
    profile: Profile, clock: Clock, random_bytes: Callable[[int], bytes]
) -> Application:
    """An ASGI application of a relying party with a profile's rules and all algorithms.

    Args:
        profile: the rules, at the origin of the server.
        clock: the time in which challenges grow old.
        random_bytes: source of challenges, and of the ids of users and sessions.
    """
    rules = replace(profile, algorithms=tuple(sorted(ALGORITHMS, reverse=True)))
    party = RelyingParty(rules, clock, random_bytes)
    api = FidoApi(party, random_bytes)
    origin = profile.origins[0]
    own = read_host(origin.partition("://")[2])

    def answer(request: Request) -> Response:
        """Other machines may ask, too, but by no name that a stranger's DNS points here."""
        host = host_of(request)
        if host is not None and (host == own or host.loopback):
            return api.answer(request)
        return failed(421, f"ask for {origin}, not for another name")

    return Application(one_by_one(answer))


def at_origin(profile: Profile, origin: str) -> Profile:
    """A profile whose ceremonies take place on the pages of an origin."""
    host = urlsplit(origin).hostname or ""
    return replace(profile, rp_id=host, rp_name="mfalab", origins=(origin,), app_id=None)


def origin_of(url: str) -> str:
    """The origin at which browsers hold ceremonies with a server: an address has none.

    What listens on this machine's addresses is `localhost` to its browsers.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        address = ip_address(host)
    except ValueError:
        return f"{parts.scheme}://{parts.netloc}"
    if address.is_loopback or address.is_unspecified:
        return f"{parts.scheme}://localhost" + (f":{parts.port}" if parts.port else "")
    return f"{parts.scheme}://{parts.netloc}"
