"""What is to be seen of a device: its display, its inbox, its light, how far its clock is off."""

from __future__ import annotations

from typing import Any

from mfalab.devices.sms.phone import SmsMessage
from mfalab.simulator.clocks import QuartzClock
from mfalab.simulator.clocks.battery import Battery
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.environment.devices import (
    CodeDevice,
    HeldApp,
    HeldDevice,
    HeldKey,
    HeldSms,
    HeldToken,
)
from mfalab.simulator.language.units import format_instant
from mfalab.simulator.shelf.shelf import Shelf

_INBOX = 20
"""How many texts are shown, the newest first."""


def seen(shelf: Shelf, device: HeldDevice) -> dict[str, Any]:
    """A device as its holder, and the lab around it, see it; JSON.

    Seconds are floats. What a kind of device does not have is left out.
    """
    spec = shelf.lab.setting.devices[device.name]
    told: dict[str, Any] = {
        "name": device.name,
        "kind": spec.kind,
        "owner": device.owner,
        "holder": device.holder,
        "serial": device.serial,
        "works": device.alive,
    }
    if device.clock is not None:
        told["clock"] = {
            "believes": format_instant(device.clock.now_ns()),
            "offset_s": round(device.clock.offset_ns() / NS_PER_S, 6),
        }
    if device.period_s is not None:
        told["period_s"] = device.period_s
        told["window_s"] = shelf.lab.journal.window_s(device.name)
    match device:
        case HeldToken():
            told |= _token(device, shelf.now_ns)
        case HeldApp():
            told |= _app(device)
        case HeldSms():
            told |= _inbox(device)
        case HeldKey():
            told |= _key(device)
    return told


def code_now(device: HeldDevice) -> str:
    """What a device shows without being touched; of a time-based token, what a press would show.

    Raises:
        DeviceError: it does not work, or holds no code.
        Prevented: it shows none.
    """
    if isinstance(device, HeldToken) and device.period_s is None:
        return device.thing.display
    assert isinstance(device, CodeDevice)
    return device.code_at(0)


def _token(device: HeldToken, now_ns: int) -> dict[str, Any]:
    told: dict[str, Any] = {"display": device.thing.display}
    clock = device.clock
    if device.period_s is not None:
        told["until_next_code_s"] = round(device.until_next_code_ns / NS_PER_S, 3)
    if isinstance(clock, QuartzClock):
        if isinstance(clock.supply, Battery):
            told["battery_dies"] = format_instant(clock.supply.dies_ns)
        if device.period_s is not None:
            told["drift_ppm"] = round(clock.drift_ppm, 3)
            told["temperature_c"] = round(clock.climate.temperature_c(now_ns), 1)
    return told


def _app(device: HeldApp) -> dict[str, Any]:
    told: dict[str, Any] = {"phone": device.phone.name, "off": device.phone.switched_off}
    if not device.alive:
        return told
    told["accounts"] = list(device.app.accounts)
    if device.account is not None:
        told |= {"account": device.account, "code": device.code_at(0)}
        try:
            told["until_next_code_s"] = round(device.until_next_code_ns / NS_PER_S, 3)
        except ValueError:  # an event-based account
            return told
    return told


def _inbox(device: HeldSms) -> dict[str, Any]:
    phone = device.thing.phone
    told: dict[str, Any] = {
        "phone": phone.name,
        "off": phone.switched_off,
        "number": device.thing.number,
    }
    if device.alive:
        told["inbox"] = [_text(each) for each in reversed(device.thing.inbox[-_INBOX:])]
    return told


def _text(message: SmsMessage) -> dict[str, str]:
    return {"text": message.text, "received": format_instant(message.received_ns)}


def _key(device: HeldKey) -> dict[str, Any]:
    facts = device.access.facts(device.pin, counting=True)
    asked = device.access.simulated.asks
    return {
        "plugged": facts.powered,
        "pin_is_set": facts.pin_is_set,
        "pin_retries": facts.pin_retries,
        "passkeys": facts.discoverable,
        "fingers": list(device.fingers),
        "registered_for": sorted(device.serials),
        "asks": None if asked is None else {"for": asked.prompt.name.lower(), "site": asked.rp_id},
    }


def state(shelf: Shelf) -> dict[str, Any]:
    """All that is to be seen on a shelf: time, people, devices; JSON."""
    return {
        "clock": "virtual" if shelf.wall is None else "system",
        "now": format_instant(shelf.now_ns),
        "now_s": round(shelf.now_ns / NS_PER_S, 3),
        "people": list(shelf.lab.people),
        "devices": {name: seen(shelf, each) for name, each in shelf.lab.devices.items()},
    }
