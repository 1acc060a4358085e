"""The fixtures: one lab for each test, and what is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mfalab.devices.otp.app import AuthenticatorApp
    from mfalab.devices.otp.token import HardwareToken
    from mfalab.devices.security_key import SecurityKey
    from mfalab.simulator.environment.lab_clock import LabClock
    from mfalab.simulator.environment.live_app import LiveApp
    from mfalab.simulator.lab import Lab
    from mfalab.simulator.serving.lab_endpoint import LabEndpoint
    from mfalab.verifier import Verifier


@pytest.fixture(scope="session")
def mfa_seed(pytestconfig: pytest.Config) -> int:
    """The seed of all chance: `--mfa-seed`, or the ini value `mfa_seed`, or 1."""
    return int(pytestconfig.getoption("--mfa-seed"))


@pytest.fixture
def _mfa_own_lab(request: pytest.FixtureRequest, mfa_seed: int) -> Lab:
    from mfalab.simulator.lab import Lab

    return Lab.of(
        seed=mfa_seed,
        case=name_of(request.node),
        people={"alice": {}, "ada": {"role": "administrator"}},
        devices={
            "fob": {"kind": "hardware_totp", "owner": "alice"},
            "app": {"kind": "totp_app", "owner": "alice"},
        },
    )


def name_of(item: pytest.Item) -> str:
    """The name of a test that is the same from wherever pytest was started.

    A node ID begins at pytest's rootdir, and xdist's loadgroup adds to its end.
    """
    below = [node.name for node in item.listchain() if isinstance(node, pytest.Class | pytest.Item)]
    return "::".join([item.path.name, *below])


@pytest.fixture
def lab(_mfa_own_lab: Lab) -> Lab:
    """A lab with a user alice, an administrator ada, a fob and an app of alice's.

    `lab.enable(who="alice", device="fob")` and all other steps of the vocabulary are its methods.
    A fixture of this name that returns another `mfalab.Lab` is what the other fixtures follow, if
    it has people. One that returns something else has nothing to do with them.
    """
    return _mfa_own_lab


@pytest.fixture
def _mfa_lab(request: pytest.FixtureRequest) -> Lab:
    """The lab of this test, whatever the name `lab` stands for in its project."""
    from mfalab.simulator.lab import Lab

    named = request.getfixturevalue("lab")
    if isinstance(named, Lab) and named.people:
        return named
    own: Lab = request.getfixturevalue("_mfa_own_lab")
    return own


@pytest.fixture
def clock(_mfa_lab: Lab) -> Iterator[LabClock]:
    """True time, which all devices of the test follow: `clock.advance("400 d")`, `clock.now()`.

    `clock.freeze()` makes this process read it, too, until the end of the test.
    """
    yield _mfa_lab.timeline
    _mfa_lab.timeline.thaw()


@pytest.fixture
def verifier(_mfa_lab: Lab) -> Verifier:
    """The lab's embedded verifier."""
    return _mfa_lab.verifier


@pytest.fixture
def aws_endpoint(_mfa_lab: Lab) -> Iterator[LabEndpoint]:
    """The lab's verifier as an AWS endpoint on this machine, for boto3 and all that signs.

    `boto3.client("sts", **aws_endpoint.client_settings("alice"))`; its time is `clock`, its users
    are the lab's people, who sign in at `console` with `passwords`. It needs the extra `serve`.
    """
    try:
        from mfalab.simulator.serving.lab_endpoint import served_lab
    except ImportError as error:
        if error.name not in ("jinja2", "uvicorn"):
            raise
        needs = f"aws_endpoint needs {error.name}: pip install 'mfalab[serve]'"
        # From None: pytest shows the error behind it otherwise, too.
        raise pytest.fail.Exception(needs, pytrace=False) from None
    with served_lab(_mfa_lab) as endpoint:
        yield endpoint


@pytest.fixture
def make_fob(_mfa_lab: Lab) -> Callable[..., HardwareToken]:
    """Makes hardware TOTP tokens: `make_fob(drift="-45 ppm", climate="car", age="3 y")`.

    Its words are those of `hardware_totp` in a scenario file. The lab knows the tokens as `fob-1`
    and so on.
    """

    def make(**words: object) -> HardwareToken:
        from mfalab.devices.otp.token import HardwareToken
        from mfalab.simulator.environment.devices import HeldToken

        held = _mfa_lab.add_device(_free("fob", _mfa_lab), kind="hardware_totp", **words)
        assert isinstance(held, HeldToken)
        assert isinstance(held.thing, HardwareToken)
        return held.thing

    return make


@pytest.fixture
def fob(_mfa_lab: Lab, make_fob: Callable[..., HardwareToken]) -> HardwareToken:
    """A hardware TOTP token with a quartz of its own: `fob.read_code()`.

    `fob.seed.secret_base32` is what its maker tells the server; for other drifts see `make_fob`.
    """
    from mfalab.devices.otp.token import HardwareToken
    from mfalab.simulator.environment.devices import HeldToken

    held = _mfa_lab.devices.get("fob")
    if isinstance(held, HeldToken) and isinstance(held.thing, HardwareToken):
        return held.thing
    return make_fob()


@pytest.fixture
def totp_app(_mfa_lab: Lab) -> AuthenticatorApp:
    """An authenticator app on a phone: `totp_app.scan(png)`, `totp_app.code(account)`."""
    from mfalab.simulator.environment.devices import HeldApp

    held = _mfa_lab.devices.get("app")
    if not isinstance(held, HeldApp):
        held = _mfa_lab.add_device(_free("app", _mfa_lab), kind="totp_app")
        assert isinstance(held, HeldApp)
    return held.app


@pytest.fixture(scope="session")
def live_app() -> LiveApp:
    """An authenticator app in real time, for tests against a server that runs elsewhere.

    `live_app.fresh_code(account, valid_for="10 s")` never gives a code twice in a session, and
    waits for one that is good for so long.
    """
    from mfalab.simulator.environment.live_app import LiveApp

    return LiveApp()


@pytest.fixture
def make_security_key(_mfa_lab: Lab) -> Callable[..., SecurityKey]:
    """Makes security keys, plugged in: `make_security_key(model="ctap-2.1-bio", pin="2468")`.

    Its words are those of `security_key` in a scenario file. The lab knows the keys as
    `security_key-1` and so on. Their time is `clock`, and their `user` touches them at once, with
    the first of their `fingers`.
    """

    def make(**words: object) -> SecurityKey:
        from mfalab.devices.ctap.user import presenting, touching
        from mfalab.simulator.environment.devices import HeldKey

        name = _free("security_key", _mfa_lab)
        held = _mfa_lab.add_device(name, kind="security_key", **words)
        assert isinstance(held, HeldKey)
        key = held.access.simulated
        key.user = presenting(held.fingers[0]) if held.fingers else touching()
        return key

    return make


@pytest.fixture
def security_key(make_security_key: Callable[..., SecurityKey]) -> SecurityKey:
    """A CTAP 2.1 security key without a PIN, plugged in; its time is `clock`.

    `browser` uses it, and so does `Fido2Client(security_key.device(), ...)`; no real time passes.
    """
    return make_security_key()


def _free(kind: str, lab: Lab) -> str:
    """The next name of a device that no other has."""
    number = 1
    while f"{kind}-{number}" in lab.devices:
        number += 1
    return f"{kind}-{number}"
