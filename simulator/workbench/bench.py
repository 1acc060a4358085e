"""A bench that is open: its rigs, keys and tokens, held by this run.

Opening looks at everything before anything is changed: each key must be the very one that the lab
file means, and one that may be changed must not hold what its owner may miss.

Whatever breaks, breaks once: the case in which a rig or a key is lost ends in an error, and those
that depend on it afterwards are skipped with that first reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from mfalab.devices.errors import Problem, ProvisioningError
from mfalab.devices.rig.errors import RigError
from mfalab.devices.rig.rig import Rig
from mfalab.simulator.abilities import Ability
from mfalab.simulator.keys.hands import Channel
from mfalab.simulator.language.seed_files import NoSeed, SeedFiles
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.workbench.address import Address, open_fixture
from mfalab.simulator.workbench.fitness import BenchKeyFacts, needs_any, why_no_key, why_no_token
from mfalab.simulator.workbench.key import KeyOnBench, check_key
from mfalab.simulator.workbench.labfile import LabFile, Place
from mfalab.simulator.workbench.stand_ins import BenchStandIns
from mfalab.simulator.workbench.token import TokenOnBench


class NotFit(Exception):
    """A case cannot be played on this bench. Args: why, a sentence."""


@dataclass(slots=True)
class _Found:
    """What stands for a case's devices, as far as it was looked for, and what spoke against it."""

    keys: dict[str, KeyOnBench] = field(default_factory=dict)
    tokens: dict[str, TokenOnBench] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    against: list[str] = field(default_factory=list)


class Bench:
    """The bench of a lab file, held by this run until it is closed.

    Args:
        file: the lab file.
        rigs: its rigs by their names, `manual` among them; opened here as far as they are used.
        seed: the chance of simulated keys.
        path: the lab file's path, for the line that reproduces a case.

    Raises:
        DeviceError: something is not there, is another thing than the file says, may not be
            opened, or is in use.
    """

    def __init__(
        self, file: LabFile, rigs: Mapping[str, Rig], *, seed: int = 1, path: str = "lab.yaml"
    ) -> None:
        self.file = file
        self.path = path
        self._rigs = rigs
        self._seed = seed
        self._open = ExitStack()
        self.keys: dict[str, KeyOnBench] = {}
        self.tokens: dict[str, TokenOnBench] = {}
        try:
            self._open_all()
        except BaseException:
            self._open.close()
            raise

    @property
    def label(self) -> str:
        """What to call it in the report."""
        return self.file.lab

    def close(self) -> None:
        """Leave keys as they were found and let go of everything; rigs go into their safe state.

        Raises:
            BenchFailed: a key could not be left as it was found.
        """
        try:
            for key in self.keys.values():
                if self._lost(key) is None:
                    key.leave()
        finally:
            self._open.close()

    def warnings(self) -> Iterator[str]:
        """What a run may change for good, to be said before it begins."""
        for key in self.keys.values():
            if key.entry.destructive and key.entry.at.is_real:
                yield (
                    f"{key.name} ({key.fixture.name}) is marked destructive: it is reset whenever "
                    "a case needs that, and all its credentials and its PIN are lost"
                )

    def stand_ins(self, case: Case) -> BenchStandIns:
        """What stands for a case's devices.

        Raises:
            NotFit: nothing on the bench can stand for one that is bound, or what could is lost.
        """
        found = _Found()
        finders = {"security_key": self._find_key, "hardware_totp": self._find_token}
        for name, spec in case.scenario.devices.items():
            named = self.file.bind.get(name, self.file.bind.get(spec.kind, []))
            if spec.kind in finders:
                finders[spec.kind](case, name, named, found)
        if found.against and not (found.keys or found.tokens or found.models):
            raise NotFit(found.against[0])
        waits = needs_any(case.scenario, Ability.RESET)
        longest_ns = self.file.longest_wait if waits else 0
        return BenchStandIns(case, found.keys, found.tokens, found.models, longest_ns)

    def _find_key(self, case: Case, name: str, named: list[str], found: _Found) -> None:
        for candidate in named:
            key = self.keys.get(candidate)
            if key is not None and key in found.keys.values():
                continue
            model = "" if key else Address.parse(self._address(candidate)).rest
            facts = key.facts if key else BenchKeyFacts.of_model(model)
            against = (key and self._lost(key)) or why_no_key(case.scenario, name, facts)
            if against is not None:
                found.against.append(against)
            elif key is not None:
                found.keys[name] = key
                return
            else:
                found.models[name] = model
                return

    def _find_token(self, case: Case, name: str, named: list[str], found: _Found) -> None:
        for candidate in named:
            token = self.tokens[candidate]
            if token in found.tokens.values():
                continue
            broken = token.rig.broken
            against = str(broken) if broken else why_no_token(case.scenario, name, token.name)
            if against is None:
                found.tokens[name] = token
                return
            found.against.append(against)

    def _address(self, candidate: str) -> str:
        entry = self.file.keys.get(candidate)
        return candidate if entry is None else str(entry.at)

    def _lost(self, key: KeyOnBench) -> str | None:
        for place in (key.entry.touch, key.entry.power):
            broken = None if place is None else self._rigs[place.rig].broken
            if broken is not None:
                return str(broken)
        return key.lost

    def _open_all(self) -> None:
        for name in {place.rig: None for _, place in self.file.places()}:
            self._rigs[name].open()
            self._open.callback(self._close_rig, self._rigs[name])
        for name in self._used():
            entry = self.file.keys[name]
            if entry.at.kind == "sim":
                continue
            fixture = open_fixture(
                entry.at,
                seed=self._seed,
                touch=self._channel(entry.touch),
                power=self._channel(entry.power),
                destructive=entry.destructive,
                pin=entry.pin,
            )
            self._open.callback(fixture.close)
            self.keys[name] = check_key(name, entry, fixture)
        files = SeedFiles()
        for name, token in self.file.tokens.items():
            try:
                record = files.record(token)
            except NoSeed as error:
                raise ProvisioningError(
                    [Problem(f"{self.path}, token {name}", str(error))]
                ) from None
            rig = self._rigs[token.at.rig]
            self.tokens[name] = TokenOnBench(name, token, record, rig, token.at)

    def _used(self) -> list[str]:
        """The keys that something is bound to, in the order of the file."""
        bound = {name for names in self.file.bind.values() for name in names}
        return [name for name in self.file.keys if name in bound]

    def _channel(self, place: Place | None) -> Channel | None:
        return None if place is None else Channel(self._rigs[place.rig], place.number)

    @staticmethod
    def _close_rig(rig: Rig) -> None:
        try:
            rig.close()
        except RigError:
            return  # what broke was told when it broke
