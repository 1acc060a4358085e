"""What is done with devices, through the API and in the console, as steps of a scenario."""

from __future__ import annotations

from base64 import b32decode
from collections.abc import Mapping
from functools import partial
from typing import Any

from mfalab.simulator.environment.devices import HeldKey, HeldSms
from mfalab.simulator.shelf.callers import Callers
from mfalab.simulator.shelf.doors import Heard, Hearers
from mfalab.simulator.shelf.notebook import Notebook, Of
from mfalab.simulator.shelf.typed_codes import NotSaid, StandIn
from mfalab.verifier.records import DeviceKind


class DeviceCalls:
    """Tells of devices that are created, enabled, resynchronised, tagged and taken away.

    Args:
        notebook: what they are written in.
        callers: knows who calls.

    Attributes:
        hearers: what tells of each call.
    """

    def __init__(self, notebook: Notebook, callers: Callers) -> None:
        self._notebook = notebook
        self._callers = callers
        self._key_name = "key"
        enable, resync = partial(self._of_pair, "enable"), partial(self._of_pair, "resync")
        self.hearers: Hearers = {
            ("iam", "create_virtual_mfa_device"): self._create_by_api,
            ("console", "create_virtual_device"): self._create_in_console,
            ("iam", "enable_mfa_device"): enable,
            ("console", "enable_device"): enable,
            ("iam", "resync_mfa_device"): resync,
            ("console", "resync_device"): resync,
            ("iam", "deactivate_mfa_device"): self._deactivate,
            ("console", "deactivate_device"): self._deactivate,
            ("iam", "delete_virtual_mfa_device"): self._delete,
            ("console", "delete_virtual_device"): self._delete,
            ("iam", "tag_mfa_device"): self._tag,
            ("iam", "untag_mfa_device"): self._untag,
            ("console", "register_sms"): self._register_sms,
            ("console", "confirm_sms"): self._confirm_sms,
            ("console", "begin_security_key"): self._begin_security_key,
            ("console", "finish_security_key"): self._finish_security_key,
        }

    def remember_secret(self, heard: Heard) -> None:
        """Know a virtual device's codes, on whatever device, until an app of the shelf has it."""
        entity = heard.result["VirtualMFADevice"]
        seed = bytes(entity["Base32StringSeed"])
        serial = str(entity["SerialNumber"])
        try:
            owner = self._callers.caller(heard)[0]
        except NotSaid:
            return
        self._notebook.serials.pop(serial, None)  # a device of this name was deleted
        name = self._notebook.free_name(serial.rpartition("/")[2])
        secret = b32decode(seed + b"=" * (-len(seed) % 8))
        self._notebook.stand_ins[serial] = StandIn(name, "totp_app", owner, secret)

    # Devices that show codes

    def _create_by_api(self, heard: Heard) -> None:
        given = heard.given
        tags = _tags(given.get("Tags") or ())
        path = given.get("Path") or "/"
        more = {**({"path": path} if path != "/" else {}), **({"tags": tags} if tags else {})}
        self._create(heard, given.get("VirtualMFADeviceName"), more)

    def _create_in_console(self, heard: Heard) -> None:
        self._create(heard, heard.given.get("name"), {})

    def _create(self, heard: Heard, name: str | None, more: dict[str, Any]) -> None:
        who, using = self._callers.caller(heard)
        if heard.refusal is not None:
            devices = self._notebook.devices.items()
            device: Any = next((n for n, d in devices if d.kind is DeviceKind.VIRTUAL), None)
            if device is None or name is None:
                self._notebook.omit_call(heard)
                return
        else:
            serial = str(heard.result["VirtualMFADevice"]["SerialNumber"])
            device, name = Of(serial), name or serial.rpartition("/")[2]
        words = {"do": "create", "who": who, "device": device, "device_name": name}
        self._notebook.end({**words, **more, **self._callers.using(who, using)}, heard)

    def _of_pair(self, verb: str, heard: Heard) -> None:
        given, serial = heard.given, _serial(heard)
        words = self._callers.on_behalf(heard, verb)
        api = "AuthenticationCode1" in given
        names = ("AuthenticationCode1", "AuthenticationCode2") if api else ("code1", "code2")
        first, second = (given[each] for each in names)
        bearers = self._notebook.bearers(serial)
        name, pair = self._notebook.codes.pair(first, second, bearers, _people(words))
        device = self._notebook.or_later(serial, name)
        self._notebook.end({**words, "device": device, "codes": pair}, heard)

    def _deactivate(self, heard: Heard) -> None:
        serial = _serial(heard)
        self._notebook.device(serial)
        words = self._callers.on_behalf(heard, "deactivate")
        self._notebook.end({**words, "device": Of(serial)}, heard)

    def _delete(self, heard: Heard) -> None:
        self._of_serial(heard, _serial(heard), "delete", {})

    def _tag(self, heard: Heard) -> None:
        tags = _tags(heard.given["Tags"])
        self._of_serial(heard, str(heard.given["SerialNumber"]), "tag", {"tags": tags})

    def _untag(self, heard: Heard) -> None:
        keys = heard.given["TagKeys"]
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise NotSaid("its keys are no list of texts")
        self._of_serial(heard, str(heard.given["SerialNumber"]), "untag", {"keys": keys})

    def _of_serial(self, heard: Heard, serial: str, verb: str, more: dict[str, Any]) -> None:
        self._notebook.device(serial)
        who, using = self._callers.caller(heard)
        words = {"do": verb, "who": who, "device": Of(serial), **more}
        self._notebook.end({**words, **self._callers.using(who, using)}, heard)

    # Text messages

    def _register_sms(self, heard: Heard) -> None:
        if heard.refusal is not None:
            self._notebook.omit_call(heard)
            return
        phone = next(
            (
                each
                for each in self._notebook.devices.values()
                if isinstance(each, HeldSms) and each.thing.number == heard.given["phone"]
            ),
            None,
        )
        if phone is None:
            raise NotSaid("no phone on the shelf has this number")
        phone.serial = str(heard.result)
        self._notebook.serials[phone.serial] = phone.name

    def _confirm_sms(self, heard: Heard) -> None:
        serial = str(heard.given["serial"])
        device = self._notebook.device(serial)
        words = self._callers.on_behalf(heard, "enable")
        _, code = self._notebook.codes.single(heard.given["code"], [device], _people(words))
        self._notebook.end({**words, "device": Of(serial), **code}, heard).vague = True

    # Security keys

    def _begin_security_key(self, heard: Heard) -> None:
        if heard.refusal is not None:
            self._notebook.omit_call(heard)
        else:
            self._key_name = str(heard.given["name"])

    def _finish_security_key(self, heard: Heard) -> None:
        response = heard.given["response"]
        if not isinstance(response, Mapping) or "error" in response:
            raise NotSaid("the browser told of an error in place of a key")
        words = self._callers.on_behalf(heard, "enable")
        owner = words.get("for", words["who"])
        name = self._notebook.key(str(response.get("id")), owner, self._key_name)
        if heard.result is not None:
            self._notebook.serials[str(heard.result)] = name
            device = self._notebook.devices.get(name)
            if isinstance(device, HeldKey):
                device.register(owner, str(heard.result))
        self._notebook.end({**words, "device": name}, heard).vague = True


def _people(words: Mapping[str, Any]) -> list[str]:
    """Who does a step, and for whom: either may look at the device."""
    return list(dict.fromkeys([words["who"], words.get("for", words["who"])]))


def _serial(heard: Heard) -> str:
    """The serial number that a call names, through the API or in the console."""
    return str(heard.given.get("SerialNumber") or heard.given.get("serial"))


def _tags(given: Any) -> dict[str, str]:
    """Tags in the language's form.

    Raises:
        NotSaid: they are malformed, or a key is there twice; such tags are refused.
    """
    if not isinstance(given, list | tuple):
        raise NotSaid("its tags are no list")
    tags: dict[str, str] = {}
    for each in given:
        if not isinstance(each, Mapping) or each.keys() != {"Key", "Value"}:
            raise NotSaid("its tags have other fields than a key and a value")
        key, value = each["Key"], each["Value"]
        if not isinstance(key, str) or not isinstance(value, str) or key in tags:
            raise NotSaid("its tags have keys or values that are no texts, or a key twice")
        tags[key] = value
    return tags
