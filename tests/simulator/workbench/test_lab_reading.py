"""A lab file is looked at whole, and every mistake is told with its place."""

from pathlib import Path

import pytest

from mfalab.simulator.language.problems import ProblemsFound
from mfalab.simulator.workbench.address import Address
from mfalab.simulator.workbench.lab_reading import read_lab_file
from mfalab.simulator.workbench.labfile import LabFile, Place

GOOD = """\
lab: Bench one
rigs:
  rig: {port: /dev/ttyACM0, serial: "0042"}
keys:
  left:
    at: "hid:1-1.4"
    port: "1-1.4"
    aaguid: 6d66616c-6162-4000-8000-000000000021
    touch: rig:1
    power: rig
    destructive: true
  card: {at: "nfc:ACR122U", touch: none}
tokens:
  fob: {at: manual, serial: GAHT00001, seeds: fobs.csv}
bind:
  security_key: [left, card, "sim:ctap-2.3"]
  spare: "sim:u2f-2016"
  hardware_totp: fob
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fobs.csv").write_text(
        "serial,seed,kind\nGAHT00001,3132333435363738393031323334353637383930,totp\n"
        "GAHT00002,3132333435363738393031323334353637383930,hotp\n"
    )
    return tmp_path


def read(folder: Path, text: str) -> LabFile:
    (folder / "lab.yaml").write_text(text)
    return read_lab_file(folder / "lab.yaml")


def test_everything_that_a_lab_file_can_say(folder: Path) -> None:
    lab = read(folder, GOOD)
    left = lab.keys["left"]
    assert left.at == Address("hid", "1-1.4")
    assert (left.touch, left.power) == (Place("rig", 1), Place("rig", 1))
    assert left.aaguid == "6d66616c616240008000000000000021"
    assert lab.keys["card"].touch is None
    assert lab.tokens["fob"].at == Place("manual")
    assert lab.bind["spare"] == ["sim:u2f-2016"]
    assert lab.longest_wait == 11 * 10**9


def test_every_path_starts_at_the_lab_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rig's port was looked for where the command ran, a seed file where the lab file is."""
    below = folder / "lab"
    below.mkdir()
    monkeypatch.chdir(folder)
    (below / "lab.yaml").write_text(
        """\
lab: x
rigs:
  link: {port: rig-link}
  device: {port: /dev/ttyACM0}
  url: {port: "socket://localhost:7000"}
  windows: {port: COM3}
  hub: {driver: uhubctl, port: 1-1.4}
keys:
  recorded: {at: "replay:session.pcapng"}
tokens:
  fob: {at: manual, serial: GAHT00001, seeds: ../fobs.csv}
bind: {security_key: [recorded, "replay:other.pcapng", "sim:u2f-2016"], hardware_totp: fob,
  spare: "replay:third.pcapng"}
"""
    )
    lab = read_lab_file(Path("lab/lab.yaml"))
    assert {name: rig.port for name, rig in lab.rigs.items()} == {
        "link": "lab/rig-link",
        "device": "/dev/ttyACM0",
        "url": "socket://localhost:7000",
        "windows": "COM3",
        "hub": "1-1.4",
    }
    assert str(lab.keys["recorded"].at) == "replay:lab/session.pcapng"
    assert lab.bind["security_key"] == ["recorded", "replay:lab/other.pcapng", "sim:u2f-2016"]
    assert lab.bind["spare"] == ["replay:lab/third.pcapng"]
    assert lab.tokens["fob"].seeds == str(folder / "lab/../fobs.csv")


@pytest.mark.parametrize(
    ("line", "instead", "at", "message"),
    [
        ("touch: rig:1", "touch: rgi:1", (9, 12), 'no rig is called "rgi"; did you mean "rig"?'),
        ("touch: rig:1", "touch: rig:0", (9, 12), '"rig:0" is no channel; write RIG:NUMBER'),
        ("touch: rig:1", "tuch: rig:1", (9, 5), 'unknown key "tuch"; did you mean "touch"?'),
        ("hid:1-1.4", "usb:1-1.4", (6, 9), '"usb:1-1.4" is no address of a key; write one of'),
        ('port: "1-1.4"', "pin: '1'", (11, 18), "destructive: true is for one very key: say its"),
        ("6d66616c-6162", "6d66", (8, 13), "is no AAGUID; it has 32 hexadecimal digits"),
        ("nfc:ACR122U", "sim:ctap-2.1-pn", (12, 14), "there is no such model"),
        ("touch: none}", "destructive: true}", (12, 42), "say its AAGUID"),
        ("port: /dev", "options: {timeout: '1'}, port: /dev", (3, 28), '"timeout": '),
        ("GAHT00001", "GAHT00003", (14, 29), 'the seed file has no token "GAHT00003"'),
        ("GAHT00001", "GAHT0001", (14, 29), "should have at least 9 characters"),
        ("GAHT00001", "'GAHT 00001'", (14, 29), "does not fit"),
        ("GAHT00001", "GAHT00002", (14, 29), "GAHT00002 is event-based"),
        ("fobs.csv", "fob.csv", (14, 47), "the seed file cannot be read: No such file"),
        ("[left, card", "[lefd, card", (16, 18), 'no key and no token is called "lefd"'),
        ("hardware_totp: fob", "hardware_totp: left", (18, 18), "left is a key and stands for no"),
        ("security_key: [left", "security_key: [fob", (16, 18), "fob is a token and stands for"),
        ("  rig: {", "  manual: {", (3, 3), '"manual" has a meaning of its own'),
        ("touch: none", "touch: rig:1", (12, 36), "rig:1 is already touch of left"),
    ],
)
def test_mistake_is_told_at_its_place(
    folder: Path, line: str, instead: str, at: tuple[int, int], message: str
) -> None:
    text = GOOD.replace(line, instead, 1)
    assert text != GOOD
    with pytest.raises(ProblemsFound) as found:
        read(folder, text)
    places = {(each.line, each.column): each.message for each in found.value.problems}
    assert message in places.get(at, ""), places


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("securty_key", '"securty_key" is no kind of device; did you mean "security_key"?'),
        ("security-key", 'did you mean "security_key"?'),
        ("hardware_topt", 'did you mean "hardware_totp"?'),
        ("Security_Key", 'did you mean "security_key"?'),
        (
            "totp_app",
            "nothing on a bench stands for a totp_app; known: security_key, hardware_totp",
        ),
        ("hardware_hotp", "nothing on a bench stands for a hardware_hotp"),
    ],
)
def test_kind_that_is_misspelt_or_has_no_stand_in_is_told_at_its_place(
    folder: Path, kind: str, told: str
) -> None:
    """It bound nothing, as if a scenario called a device so."""
    text = GOOD.replace("  spare:", f"  {kind}:", 1)
    assert text != GOOD
    (found,) = faults_of(folder, text)
    assert found[0] == (17, 3)
    assert told in found[1]


@pytest.mark.parametrize("name", ["security_key_2", "my_hardware_totp", "fob", "key", "hardware"])
def test_name_of_a_device_is_taken_for_one(folder: Path, name: str) -> None:
    assert name in read(folder, GOOD.replace("  spare:", f"  {name}:", 1)).bind


def several(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def faults_of(folder: Path, text: str) -> list[tuple[tuple[int, int], str]]:
    with pytest.raises(ProblemsFound) as found:
        read(folder, text)
    return [((each.line, each.column), each.message) for each in found.value.problems]


MISTAKES = [
    # What is changed, and where it is wrong then; of one line, one.
    (("{port: /dev/ttyACM0", "{options: {timeout: '1', wait: x}, port: /d"), [(3, 28), (3, 39)]),
    (('at: "hid:1-1.4"', 'at: "usb:1-1.4"'), [(6, 9)]),
    (("6d66616c-6162", "6d66"), [(8, 13)]),
    (("touch: rig:1", "touch: rgi:1"), [(9, 12)]),
    (("power: rig", "power: rig:x"), [(10, 12)]),
    (("destructive: true", "destructive: perhaps"), [(11, 18)]),
    (("nfc:ACR122U", "sim:ctap-2.1-pn"), [(12, 14)]),
    (("serial: GAHT00001, seeds: fobs.csv", "serial: GAHT, seeds: fob.csv"), [(14, 29), (14, 42)]),
    (("[left, card", "[lefd, [card]"), [(16, 18), (16, 24)]),
    (('spare: "sim:u2f-2016"', 'spare: "sim:u2f-2061"'), [(17, 10)]),
    (("hardware_totp: fob", "hardware_totp: left"), [(18, 18)]),
]


@pytest.mark.parametrize("first", range(len(MISTAKES)))
def test_one_mistake_hides_no_other_and_none_is_told_twice(folder: Path, first: int) -> None:
    """Whatever is wrong, what is wrong beside it is told as well: each pair, and all at once."""
    for second in range(first + 1, len(MISTAKES)):
        (one, here), (other, there) = MISTAKES[first], MISTAKES[second]
        told = [at for at, _ in faults_of(folder, several(GOOD, one, other))]
        assert told == sorted([*here, *there])
    all_of_them = several(GOOD, *(change for change, _ in MISTAKES))
    told = [at for at, _ in faults_of(folder, all_of_them)]
    assert told == sorted(at for _, places in MISTAKES for at in places)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("seeds_password: [p]", "a text belongs here, not ['p']"),
        ("seeds_key: [k]", "a text belongs here, not ['k']"),
        ("seeds_password: p, seeds_key: k", "a seed file has one key; give seeds_password or "),
    ],
)
def test_seed_file_whose_key_is_wrong_is_not_opened_without(
    folder: Path, words: str, message: str
) -> None:
    text = several(GOOD, ("seeds: fobs.csv", f"seeds: fob.csv, {words}"))
    ((place, said),) = faults_of(folder, text)
    assert said.startswith(message)
    assert place[1] == text.splitlines()[13].rindex(":") + 3


def test_figure_that_the_seed_file_says_is_told_beside_other_mistakes(folder: Path) -> None:
    (folder / "fobs.csv").write_text(f"serial,seed,period\nGAHT00001,{'31' * 20},30\n")
    text = several(GOOD, ("at: manual, ", "at: 'manual:x', digits: 8, period: 60 s, "))
    column = text.splitlines()[13].index("60 s") + 1
    assert faults_of(folder, text) == [
        ((14, 13), '"manual:x" is no channel; write RIG:NUMBER, manual or none'),
        ((14, column), "the seed file says what period is; remove it"),
    ]


def test_what_is_wrong_is_not_held_against_the_rest(folder: Path) -> None:
    """A key whose port is no port is not said to have none; a rig that is wrong has its name."""
    text = several(
        GOOD,
        ('port: "1-1.4"', "port: [1]"),
        ("{port: /dev/ttyACM0", "{driver: scip, options: {a: b}"),
    )
    assert [message for _, message in faults_of(folder, text)] == [
        '"scip" is not known here; did you mean "scpi"?',
        "a text belongs here, not ['1']",
    ]


@pytest.mark.parametrize(
    "text", ["[]", "lab: x", "keys: {}", "bind:", "bind: {a: {}}", "rigs: [1]"]
)
def test_file_of_another_shape_is_told_what_it_lacks(folder: Path, text: str) -> None:
    assert faults_of(folder, text + "\n")


@pytest.mark.parametrize("at", ["nfc:x", "sim:ctap-2.3", "replay:/a.pcapng"])
def test_only_a_key_on_usb_has_a_port_and_a_serial_number(folder: Path, at: str) -> None:
    """Both were read and never looked at."""
    key = f'{{at: "{at}", port: "1", serial: "2"}}'
    text = f"lab: x\nkeys: {{a: {key}}}\nbind: {{security_key: a}}\n"
    assert [message for _, message in faults_of(folder, text)] == [
        f"a key at {at} has no port to be told by; remove it",
        f"a key at {at} has no serial number to be told by; remove it",
    ]


def test_simulated_key_needs_no_hands(folder: Path) -> None:
    with pytest.raises(ProblemsFound, match="needs no touch; remove it"):
        read(
            folder,
            'lab: x\nkeys: {a: {at: "sim:ctap-2.3", touch: manual}}\nbind: {security_key: a}\n',
        )


def test_bench_that_stands_for_nothing_is_a_mistake(folder: Path) -> None:
    with pytest.raises(ProblemsFound, match="nothing is bound"):
        read(folder, "lab: x\nbind: {}\n")


def test_target_alone_makes_a_lab(folder: Path) -> None:
    lab = read(folder, "lab: x\ntarget: webauthn:http://localhost:3000\n")
    assert (lab.target, lab.bind) == ("webauthn:http://localhost:3000", {})
    assert read(folder, "lab: x\ntarget: embedded\nbind: {}\n").target == "embedded"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("otp:mine.yaml", "otp:{}/mine.yaml"),
        ("otp:sub/mine.py:Mine", "otp:{}/sub/mine.py:Mine"),
        ("otp:package.module:Mine", "otp:package.module:Mine"),
        ("otp:/there/mine.yml", "otp:/there/mine.yml"),
        ("aws:http://localhost:1", "aws:http://localhost:1"),
    ],
)
def test_files_of_a_target_start_at_the_lab_file(folder: Path, text: str, target: str) -> None:
    lab = read(folder, f'lab: x\ntarget: "{text}"\n')
    assert lab.target == target.format((folder / "lab.yaml").parent)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("webautn:http://x", '"webautn:http://x" is no target; did you mean "webauthn"?'),
        ("otp", '"otp" is no target; write embedded, otp:MODULE:NAME'),
        ('"webauthn:"', '"webauthn:" is no target; write'),
        ("[a]", "a text belongs here"),
    ],
)
def test_target_that_is_none_is_told_with_its_place(folder: Path, text: str, message: str) -> None:
    ((place, told),) = faults_of(
        folder, f"lab: x\nbind: {{security_key: sim:ctap-2.3}}\ntarget: {text}\n"
    )
    assert told.startswith(message)
    assert place == (3, 9)
