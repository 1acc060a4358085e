"""One channel of a rig is tried, and what does not work is said once."""

import pytest

from mfalab.devices.rig import RigError
from mfalab.simulator.cli.rig_trial import Finding, try_channel


class Rig:
    """Stands for a rig with one switched port whose sensor says what a test wants."""

    def __init__(self, senses: list[bool | None]) -> None:
        self.senses = list(senses)
        self.log: list[str] = []

    def power(self, channel: int, on: bool) -> None:
        self.log.append(f"power {channel} {on}")

    def cycle(self, channel: int, ms: int) -> None:
        self.log.append(f"cycle {channel} {ms}")

    def is_powered(self, channel: int) -> bool | None:
        return self.senses.pop(0)

    def field(self, channel: int, on: bool) -> None:
        raise RigError("no reader")


def tried(rig: Rig, function: str) -> list[Finding]:
    return list(try_channel(rig, None, function, 2))


def test_power_is_switched_off_and_on_and_cycled():
    rig = Rig([False, True, True])
    assert [(each.tried, each.passed, each.says) for each in tried(rig, "power")] == [
        ("switched off", True, ""),
        ("switched on", True, ""),
        ("cycled", True, "off for 200 ms"),
    ]
    assert rig.log == ["power 2 False", "power 2 True", "cycle 2 200"]


def test_a_rig_without_a_sensor_is_believed_and_said_to_have_none():
    says = [each.says for each in tried(Rig([None, None, None]), "power")]
    assert says == ["the rig cannot tell", "the rig cannot tell", "off for 200 ms"]


@pytest.mark.parametrize(
    ("senses", "says"),
    [
        ([True], "the rig says that power is on"),
        ([False, False], "the rig says that power is off"),
        ([False, True, False], "still off"),
    ],
)
def test_nothing_further_is_tried_after_something_failed(senses, says):
    findings = tried(Rig(senses), "power")
    assert len(findings) == len(senses)
    assert [each.passed for each in findings] == [True] * (len(senses) - 1) + [False]
    assert findings[-1].says == says


def test_an_error_of_the_rig_is_a_finding():
    (finding,) = tried(Rig([]), "nfc")
    assert finding == Finding("nfc", 2, "field off", False, "no reader")
