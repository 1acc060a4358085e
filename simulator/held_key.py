"""A security key as people have it: the key, its PIN, and what each registration is called."""

from __future__ import annotations

from typing import Any

from fido2.ctap2.base import Ctap2
from fido2.ctap2.bio import FPBioEnrollment
from fido2.ctap2.pin import ClientPin

from mfalab.simulator.held_devices import HeldDevice
from mfalab.simulator.key_in_hand import KeyInHand
from mfalab.simulator.outcome import Hindered, ScenarioMistake
from mfalab.verifier import DeviceKind


class HeldKey(HeldDevice):
    """A security key in somebody's hands; one key may serve several people.

    Attributes:
        reach: the key as clients reach it, simulated or on the bench.
        pin: its PIN, as its holders know it; None while it has none.
        fingers: the fingers that are enrolled.
        serials: by which serial number the verifier knows it for each person.
        credentials: the credential ID of each person's registration, as browsers write it.
        last_response: what it signed last, as the browser posted it.
    """

    kind = DeviceKind.FIDO

    def __init__(self, name: str, owner: str, reach: KeyInHand) -> None:
        super().__init__(name, owner, None, None)
        self.reach = reach
        self.pin: str | None = None
        self.fingers: list[str] = []
        self.serials: dict[str, str] = {}
        self.credentials: dict[str, str] = {}
        self.last_response: dict[str, Any] | None = None

    def register(self, person: str, serial: str, credential_id: str | None = None) -> None:
        """Remember a registration; the newest is the one that a serial number of the key means."""
        self.serials[person] = self.serial = serial
        if credential_id is not None:
            self.credentials[person] = credential_id

    def known_credential(self, person: str) -> str:
        """The credential ID of a person's registration.

        Raises:
            ScenarioMistake: this person never registered the key.
        """
        if person not in self.credentials:
            raise ScenarioMistake(f"{self.name} is not registered for {person}")
        return self.credentials[person]

    def known_serial(self, person: str | None = None) -> str:
        """The serial number of a person's registration, or of the newest one.

        Raises:
            ScenarioMistake: it is not registered.
        """
        serial = self.serials.get(person) if person is not None else None
        return serial or super().known_serial()

    def answers_to(self, serial: str) -> bool:
        """Whether one of its registrations has this serial number."""
        return serial in self.serials.values()

    @property
    def alive(self) -> bool:
        """Whether it works; unplugged it still does."""
        return self.reach.usable

    def code(self) -> str:
        """A security key shows none.

        Raises:
            Hindered: always.
        """
        raise Hindered("NoCode", f"{self.name} is a security key and shows no codes")

    def code_at(self, offset_steps: int) -> str:
        """A security key shows none.

        Raises:
            Hindered: always.
        """
        return self.code()

    def break_(self) -> None:
        """Break it for good."""
        self.reach.break_()

    def known_pin(self) -> str:
        """The PIN.

        Raises:
            ScenarioMistake: it has none.
        """
        if self.pin is None:
            raise ScenarioMistake(f"{self.name} has no PIN; give it one with `pin` or set_pin")
        return self.pin


def enrol_finger(ctap: Ctap2, pin: str) -> None:
    """Enrol whichever finger the key's user presents."""
    client = ClientPin(ctap)
    token = client.get_pin_token(pin, ClientPin.PERMISSION.BIO_ENROLL)
    enroller = FPBioEnrollment(ctap, client.protocol, token).enroll()
    template = None
    while template is None:
        template = enroller.capture()
