"""Time and devices as JSON, below `/_mfalab/`: what a script may do beside AWS's API.

Every refusal is an object with `error`, one sentence that says what is wrong and what to do. Where
a person, or a thing, could not do what was asked, `refused` has the scenario language's code.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from mfalab.devices.errors import DeviceError
from mfalab.simulator.environment.devices import CodeDevice, HeldDevice
from mfalab.simulator.environment.outcome import Prevented, ScenarioError
from mfalab.simulator.language.units import format_instant, parse_duration_ns
from mfalab.simulator.scenario_files.fragments import NotUnderstood, parse_json
from mfalab.simulator.shelf.shelf import NotNow, Shelf
from mfalab.simulator.shelf.showing import code_now, seen
from mfalab.simulator.shelf.story import write_story
from mfalab.verifier import MovingFactor, StoreUnusable, TokenSeed
from mfalab.verifier.wire.messages import Request, Response

PREFIX: Final = "/_mfalab/"
_PICTURES = {"image/png", "image/jpeg", "image/webp"}

Answer = Callable[[Request], Response]


class Api:
    """Answers requests about a shelf; who may ask is decided before.

    Args: the shelf.
    """

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self._routes: Mapping[tuple[str, str], Answer] = {
            ("GET", "clock"): lambda request: self._time(),
            ("POST", "clock"): self._advance,
            ("GET", "devices"): lambda request: self._devices(),
            ("POST", "devices"): self._put,
            ("POST", "steps"): self._step,
            ("GET", "scenario"): lambda request: self._scenario(),
            ("POST", "record"): self._begin_again,
            ("POST", "tokens"): self._announce,
        }
        self._of_device: Mapping[tuple[str, str], Callable[[HeldDevice, Request], Response]] = {
            ("GET", ""): lambda device, request: self._device(device),
            ("GET", "code"): lambda device, request: self._code(device),
            ("POST", "press"): lambda device, request: self._press(device),
            ("POST", "scan"): self._scan,
            ("POST", "touch"): lambda device, request: self._touch(device),
        }

    def answer(self, request: Request) -> Response:
        """The answer to a request below the prefix."""
        try:
            self.shelf.follow()
            return self._answer(request)
        except REFUSALS as error:
            return refused(error)
        finally:
            if request.method != "GET":
                self.shelf.tell()

    def _answer(self, request: Request) -> Response:
        words = unquote(request.path.removeprefix(PREFIX)).split("/")
        if words[0] == "devices" and len(words) in (2, 3) and words[1]:
            name, what = words[1], words[2] if len(words) == 3 else ""
            if name not in self.shelf.lab.devices:
                known = ", ".join(self.shelf.lab.devices) or "none; POST some to /_mfalab/devices"
                return told(404, error=f'there is no device "{name[:80]}"; there is {known}')
            of_device = self._of_device.get((request.method, what))
            if of_device is not None:
                return of_device(self.shelf.device(name), request)
            return _elsewhere(request, what, list(self._of_device))
        route = self._routes.get((request.method, "/".join(words)))
        if route is not None:
            return route(request)
        return _elsewhere(request, "/".join(words), list(self._routes))

    # Time

    def _advance(self, request: Request) -> Response:
        given = parse_json(request.body)
        if given.keys() != {"advance"}:
            raise NotUnderstood('say how far, such as {"advance": "30 s"}')
        try:
            duration_ns = parse_duration_ns(given["advance"])
        except ValueError as error:
            raise NotUnderstood(f"advance: {error}") from None
        self.shelf.advance(duration_ns)
        return self._time()

    def _time(self) -> Response:
        clock = "virtual" if self.shelf.wall is None else "system"
        return told(200, clock=clock, now=format_instant(self.shelf.now_ns))

    # Devices

    def _devices(self) -> Response:
        shelf = self.shelf
        return told(
            200, devices={name: seen(shelf, each) for name, each in shelf.lab.devices.items()}
        )

    def _put(self, request: Request) -> Response:
        given = parse_json(request.body)
        if not given:
            raise NotUnderstood(
                'say which devices, such as {"fob": {"kind": "hardware_totp", "owner": "alice"}}'
            )
        put = self.shelf.put(given)
        return told(201, devices={device.name: seen(self.shelf, device) for device in put})

    def _device(self, device: HeldDevice) -> Response:
        return told(200, **seen(self.shelf, device))

    def _code(self, device: HeldDevice) -> Response:
        if not isinstance(device, CodeDevice):
            raise Prevented("NoCode", f"{device.name} is a security key and shows no codes")
        code = code_now(device)
        if not code:
            raise Prevented(
                "NoCode",
                f"{device.name} is dark: it is event-based, and a press shows its next code; "
                f"POST {PREFIX}devices/{device.name}/press",
            )
        return told(200, code=code)

    def _press(self, device: HeldDevice) -> Response:
        return told(200, code=self.shelf.press(device.name).thing.display)

    def _scan(self, device: HeldDevice, request: Request) -> Response:
        kind = (request.header("content-type") or "").partition(";")[0].strip().lower()
        what: bytes | str = request.body
        if kind not in _PICTURES:
            what = self._scanned(parse_json(request.body))
        self.shelf.scan(device.name, what)
        return self._device(device)

    def _scanned(self, given: Mapping[str, Any]) -> bytes | str:
        """What an app is to scan, by the JSON form."""
        if given == {"shown": True}:
            if self.shelf.shown is None:
                raise ScenarioError("no QR code was shown yet; create a virtual device first")
            return self.shelf.shown
        if given.keys() == {"uri"} and isinstance(given["uri"], str):
            return given["uri"]
        if given.keys() == {"png"} and isinstance(given["png"], str):
            try:
                return base64.b64decode(given["png"], validate=True)
            except (binascii.Error, ValueError):
                raise NotUnderstood("png: it is no base64") from None
        raise NotUnderstood(
            'give {"uri": "otpauth://..."}, {"png": "BASE64"}, or the picture itself as image/png; '
            '{"shown": true} is the QR code that the verifier showed last'
        )

    def _touch(self, device: HeldDevice) -> Response:
        self.shelf.touch(device.name)
        return self._device(device)

    # The story

    def _scenario(self) -> Response:
        headers = (("content-type", "application/yaml"), ("cache-control", "no-store"))
        return Response(200, write_story(self.shelf).encode(), headers)

    def _begin_again(self, request: Request) -> Response:
        if parse_json(request.body) != {"begin": "again"}:
            raise NotUnderstood('say {"begin": "again"}, which forgets the story so far')
        self.shelf.recorder.begin()
        return self._time()

    def _announce(self, request: Request) -> Response:
        """Take the seeds of hardware tokens that others hold, as from a maker."""
        given = parse_json(request.body)
        try:
            self.shelf.lab.verifier.register_tokens(
                TokenSeed(
                    **{
                        **each,
                        "serial": serial,
                        "secret": bytes.fromhex(each["secret"]),
                        "moving_factor": MovingFactor(each.get("moving_factor", "time")),
                    }
                )
                for serial, each in given.items()
            )
        except (KeyError, TypeError, ValueError) as error:
            example = '{"GAHT1": {"secret": "HEX", "digits": 6, "period_s": 30}}'
            raise NotUnderstood(f"{error}; announce tokens by serial number: {example}") from None
        return told(201, tokens=list(given))

    def _step(self, request: Request) -> Response:
        outcome = self.shelf.step(parse_json(request.body))
        if outcome.accepted:
            return told(200, done=True)
        return told(409, error=outcome.message or str(outcome), refused=outcome.refused)


def _elsewhere(request: Request, what: str, known: list[tuple[str, str]]) -> Response:
    """There is nothing at this path, or nothing for this method."""
    methods = [method for method, name in known if name == what]
    if methods:
        return told(405, error=f"{request.method} is not done here; {' and '.join(methods)} is")
    there = ", ".join(f"{method} {name or 'itself'}" for method, name in known)
    return told(404, error=f'there is no "{what[:80]}"; there is {there}')


REFUSALS: Final = (NotUnderstood, NotNow, ScenarioError, Prevented, DeviceError, StoreUnusable)
"""What comes of a request that is at fault, or cannot be done now."""


def refused(error: Exception) -> Response:
    """The answer that one of `REFUSALS` leads to."""
    match error:
        case NotUnderstood():
            return told(400, error=str(error))
        case StoreUnusable():
            return told(503, error=str(error))
        case Prevented() | NotNow():
            return told(409, error=str(error), refused=error.code)
        case DeviceError():
            return told(409, error=str(error), refused=type(error).__name__)
    return told(409, error=str(error))


def told(status: int, **fields: object) -> Response:
    """An answer in JSON, which no cache keeps."""
    body = f"{json.dumps(fields)}\n".encode()
    headers = (("content-type", "application/json"), ("cache-control", "no-store"))
    return Response(status, body, headers)
