"""Chromium whose pages meet a simulated security key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fido2.ctap2.base import Ctap2
from fido2.ctap2.pin import ClientPin

from mfalab.devices.ctap.model import Model
from mfalab.devices.ctap.user import presenting
from mfalab.devices.security_key import SecurityKey
from mfalab.simulator.bridge.ceremonies import Ceremonies, Person
from mfalab.simulator.bridge.chromium import (
    BridgedChromium,
    BridgeUnavailable,
    bridged_chromium,
)
from mfalab.simulator.bridge.journal import PageRequest
from mfalab.simulator.bridge.key_time import KeyTime
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.environment.key_access import enrol_finger
from mfalab.simulator.environment.lab_clock import nanoseconds
from mfalab.simulator.keys.webauthn_client import Pins

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

_LOOK_MS: Final = 10


class KeyBrowser:
    """A browser, its security keys, and the person who has them.

    Pages have Chromium's own WebAuthn; only the authenticator is ours. What the person does may be
    set before or during a ceremony, from the test's thread: `key.user` touches (see
    `mfalab.devices.ctap.user`), `pin` is typed, `key.unplug()` pulls it out, `key.faults` and
    `key.wire` break it. The keys' time leaps over every wait, so nothing waits for real; in
    `with key_browser.hold():` it stands still until the test moves it, and the key blinks on.

    Args:
        chromium: a running Chromium with the extension; `KeyBrowser.open` starts one.
        model: of the first key: a `Model`, or the name or path of a description file.
        pin: of the first key, which the person knows; None for a key without one.
        fingers: names of the fingers that the first key knows.
        seed: of the keys' chance.
        start_ns: what the keys' time shows at first, in nanoseconds since the Unix epoch.

    Attributes:
        key: the key that the person uses; another may be set at any time.
        pin: what they type when asked: one PIN and no other; a list of PINs, typed one after the
            other while they are wrong; a function of `PinAsked`; None to give up.
        account: the user name that they pick where a key offers several; None for the newest.
        time: the keys' time, for a `SecurityKey` of your own: `scheduler=key_browser.time`.

    Raises:
        ModelInvalid: there is no such model.
    """

    def __init__(
        self,
        chromium: BridgedChromium,
        *,
        model: Model | str | Path = "ctap-2.1-pin",
        pin: str | None = None,
        fingers: Sequence[str] = (),
        seed: int | str = 1,
        start_ns: int = 0,
    ) -> None:
        self.time = KeyTime(start_ns)
        self.account: str | None = None
        self._chromium = chromium
        self._entropy = Entropy(seed)
        self._contexts: list[BrowserContext] = []
        self._ceremonies = Ceremonies(self.time)
        self._keys: list[SecurityKey] = []
        self.key = self.add_key(model, pin=pin, fingers=fingers)
        self.pin: Pins = pin
        chromium.desk = self._answer

    @classmethod
    @contextmanager
    def open(
        cls,
        *,
        executable: str | Path | None = None,
        headless: bool = True,
        args: Sequence[str] = (),
        **key: Any,
    ) -> Iterator[KeyBrowser]:
        """Start Playwright and Chromium for as long as a `with` block lasts.

        Args:
            executable: Chromium or Chrome; None for Playwright's own, or else the machine's.
            headless: False to look on.
            args: further arguments of Chromium, such as `--host-resolver-rules=...`.
            key: `model`, `pin`, `fingers`, `seed` and `start_ns` of `KeyBrowser`.

        Raises:
            BridgeUnavailable: Playwright or Chromium is missing.
        """
        try:
            from playwright.sync_api import sync_playwright
        except ImportError:
            raise BridgeUnavailable(
                "a browser with a security key needs Playwright: pip install 'mfalab[browser]'"
            ) from None
        with (
            sync_playwright() as playwright,
            bridged_chromium(
                playwright, executable=executable, headless=headless, args=args
            ) as chromium,
            cls(chromium, **key) as opened,
        ):
            yield opened

    def __enter__(self) -> KeyBrowser:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    # Pages.

    @property
    def browser(self) -> Browser:
        """Playwright's browser; contexts are made by `new_context`, which waits for the key."""
        return self._chromium.browser

    def new_context(self, **options: Any) -> BrowserContext:
        """A context whose pages meet the key; it is closed at the end.

        Args:
            options: as Playwright's `Browser.new_context` takes them.

        Raises:
            BridgeUnavailable: the extension cannot attach.
        """
        context = self._chromium.new_context(**options)
        self._contexts.append(context)
        return context

    def new_page(self, **options: Any) -> Page:
        """A page in a context of its own; see `new_context`."""
        return self.new_context(**options).new_page()

    # The person.

    def add_key(
        self,
        model: Model | str | Path = "ctap-2.1-pin",
        *,
        pin: str | None = None,
        fingers: Sequence[str] = (),
        name: str | None = None,
    ) -> SecurityKey:
        """Another key, plugged in; the person uses it once it is `key`.

        Args:
            model: a `Model`, or the name or path of a description file.
            pin: its PIN; None for none. Set `KeyBrowser.pin` as well for a person who knows it.
            fingers: names of the fingers that it knows; the first of them touches it.
            name: what to call it; None for its model and number.

        Raises:
            ModelInvalid: there is no such model.
            CtapError: the key does not take the PIN, or has no sensor.
        """
        number = len(self._keys) + 1
        key = SecurityKey(
            model,
            random_bytes=self._entropy.random_bytes(f"key {number}"),
            scheduler=self.time,
            name=name or f"key {number}",
        )
        key.plug()
        if pin is not None:
            ClientPin(Ctap2(key.device())).set_pin(pin)
        for finger in fingers:
            if pin is None:
                raise ValueError("a key learns fingers once it has a PIN: give one")
            key.user = presenting(finger)
            enrol_finger(Ctap2(key.device()), pin)
        if fingers:
            key.user = presenting(fingers[0])
        self._keys.append(key)
        return key

    @property
    def keys(self) -> tuple[SecurityKey, ...]:
        """All keys of `add_key`, the first one included."""
        return tuple(self._keys)

    @property
    def platform_authenticator(self) -> bool:
        """What `isUserVerifyingPlatformAuthenticatorAvailable` tells pages; False at first."""
        return self._ceremonies.platform_authenticator

    @platform_authenticator.setter
    def platform_authenticator(self, available: bool) -> None:
        self._ceremonies.platform_authenticator = available

    # Time.

    def hold(self) -> AbstractContextManager[None]:
        """Let the keys' time stand still for a `with` block, so that a key blinks on.

        The test ends that: `key.touch()`, `key.decline()`, `key.unplug()`, `advance("31 s")`, or
        what it does to the page. It must not wait for the page by itself before.
        """
        return self.time.hold()

    def advance(self, duration: int | str | timedelta) -> None:
        """Let the keys' time pass; `page.clock.run_for` brings a page along.

        Args:
            duration: such as `"30 s"`, a timedelta, or nanoseconds.

        Raises:
            ValueError: it is negative or no duration.
        """
        self.time.advance(nanoseconds(duration))

    def wait_for(self, condition: Callable[[], bool], *, timeout: int | str = "10 s") -> None:
        """Wait in real time until something is true, and let Playwright work while it waits.

        Raises:
            TimeoutError: it does not become true.
            LookupError: there is no page in which anything could happen.
        """
        pages = [page for context in self._contexts for page in context.pages]
        if not pages and not condition():
            raise LookupError("no page is open that anything could happen in")
        for _ in range(nanoseconds(timeout) // (_LOOK_MS * 10**6)):
            if condition():
                return
            pages[0].wait_for_timeout(_LOOK_MS)
        raise TimeoutError(f"it did not become true in {timeout}; the journal says {self.journal}")

    def wait_for_prompt(self, *, timeout: int | str = "10 s") -> None:
        """Wait until the key blinks: it asks for a touch, in `with key_browser.hold():`.

        Raises:
            TimeoutError: it does not.
        """
        self.wait_for(lambda: self.key.asks is not None, timeout=timeout)

    # What happened.

    @property
    def journal(self) -> tuple[PageRequest, ...]:
        """Every request of a page, oldest first."""
        return tuple(self._ceremonies.journal)

    def close(self) -> None:
        """Close the contexts and end every ceremony; twice does no harm.

        Raises:
            ExceptionGroup: faults of this project that ceremonies met.
        """
        contexts, self._contexts = self._contexts, []
        for context in contexts:
            context.close()
        try:
            self._ceremonies.end()
        finally:
            if self._chromium.desk == self._answer:
                self._chromium.desk = None
            for key in self._keys:
                key.close()

    def _answer(self, what: str, message: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._ceremonies.ask(what, message, Person(self.key, self.pin, self.account))
