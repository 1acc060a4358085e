"""What a test of conformance holds: one key during one run, its PIN, and whole ceremonies."""

from __future__ import annotations

from functools import cached_property

from mfalab.devices.ctap.ctaphid import HidCommand
from mfalab.simulator.conformance.ceremonies import Ceremonies
from mfalab.simulator.conformance.key_under_test import KeyUnderTest
from mfalab.simulator.conformance.links import HidLink
from mfalab.simulator.conformance.pins import Pin, Pins
from mfalab.simulator.conformance.verdicts import Failure, KeyGone, KeySilent, NotTested


class Subject(KeyUnderTest):
    """One key during one run; takes the arguments of `KeyUnderTest`."""

    @cached_property
    def pins(self) -> Pins:
        """Its PIN and tokens."""
        return Pins(self)

    @cached_property
    def ceremonies(self) -> Ceremonies:
        """Registration, authentication and reset."""
        return Ceremonies(self, self.pins)

    def prepare(self, need: Pin, *, ready: bool) -> None:
        """Bring the PIN into the state that a test needs; see `Pins.prepare`."""
        self.pins.prepare(need, ready=ready, reset=self.ceremonies.reset)

    def begin(self) -> None:
        """A test begins: the key is quiet, its user touches it when asked.

        Raises:
            KeySilent: it does not answer any more.
        """
        self.user.touch()
        if not self.answers():
            raise KeySilent("an answer to CTAPHID_INIT", "nothing, three times")
        self.traffic.begin()

    def settle(self) -> None:
        """A test has come to its end: nothing is left over.

        Raises:
            Failure: the key has sent what was not asked for.
        """
        if isinstance(self._link, HidLink) and (strays := self._link.client.strays()):
            command = HidCommand.ERROR if strays[0][4] & 0x80 == 0 else strays[0][4] & 0x7F
            what = f"{len(strays)} more, the first with command 0x{command:02X}"
            raise Failure("no report that answers nothing", what)

    def tidy(self) -> None:
        """Undo what the test did; what cannot be undone becomes a note.

        Raises:
            KeyGone: the key has gone; what is left to do can be done when it is back.
            KeySilent: it does not answer.
        """
        self.user.touch()
        while self._later:
            try:
                self._later[-1]()
            except (KeyGone, KeySilent):
                raise
            except (Failure, NotTested) as trouble:
                self.notes.append(f"Something could not be cleared away: {trouble}.")
            self._later.pop()
        if self.witness is not None:
            try:
                self.witness()
            except (KeyGone, KeySilent):
                raise
            except (Failure, NotTested):
                self.witness = None  # it was reset, or signs no more without verification
