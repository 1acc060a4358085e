"""Description files: each is true to itself, and a wrong one says what is wrong."""

import re
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path

import pytest
from fido2.ctap import CtapError
from fido2.ctap1 import Ctap1
from fido2.ctap2 import Ctap2

from mfalab.devices.ctap import load_model, model_names
from mfalab.devices.ctap.model import Model, ModelInvalid
from mfalab.devices.errors import NotOffered
from mfalab.devices.security_key import SecurityKey
from mfalab.simulator.entropy import Entropy

FOLDER = Path(__file__).parents[3] / "devices" / "ctap" / "models"


def test_these_models_come_along():
    assert model_names() == (
        "all-features", "always-uv", "ctap-2.1-bio", "ctap-2.1-pin", "ctap-2.3", "enterprise",
        "fido-2.0", "slots-25", "u2f-2016", "yubikey-like",
    )  # fmt: skip


def test_models_differ_in_aaguid():
    aaguids = [load_model(name).aaguid for name in model_names()]
    assert len(set(aaguids)) == len(aaguids)


GOOD = 'name = "x"\nversions = ["FIDO_2_1"]\n'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('name = "x"', "1:1: versions is missing; it takes a list, each a text"),
        ('name = "x"\nversions = ["U2F_V2"]\nslot = 3', "3:1: unknown key slot"),
        ('name = "x"\nversions = []', "2:1: versions has neither U2F_V2 nor FIDO_2"),
        ('name = "x"\nversions = 0', "2:1: versions takes a list, each a text, not 0"),
        ('name = "x"\nversions = [1]', "2:1: versions takes a list, each a text"),
        (GOOD + "aaguid = 0", "3:1: aaguid takes 16 bytes as hexadecimal text, not 0"),
        (GOOD + 'aaguid = "00"', "3:1: aaguid has 16 bytes"),
        (GOOD + 'aaguid = "xy"', "3:1: aaguid takes 16 bytes"),
        (GOOD + "client_pin = true", "3:1: client_pin needs pin_uv_protocols"),
        (GOOD + 'slots = "many"', "3:1: slots takes a number"),
        (GOOD + "\n  slots = true", "4:3: slots takes a number, not True"),
        (GOOD + "slots = -1", "3:1: slots takes 0 to 4294967295"),
        (
            GOOD + "pin_uv_protocols = [1, true]",
            "3:1: pin_uv_protocols takes a list, each a number",
        ),
        (GOOD + 'algorithms = ["ES257"]', "3:1: algorithms takes a list, each one of ES256, EDDSA"),
        (GOOD + 'transports = "usb"', "3:1: transports takes a list, each one of "),
        (GOOD + 'counter = "none"', "3:1: counter takes one of global, per-credential, zero"),
        (GOOD + "touch_timeout_status = []", "3:1: touch_timeout_status takes one of "),
        (GOOD + "[certifications]\nFIDO = true", "3:2: certifications takes numbers by name"),
        (GOOD + "certifications = 3", "3:1: certifications takes numbers by name"),
        (GOOD + "max_msg_size = 99", "3:1: max_msg_size is 1024 to 7609 bytes"),
        (GOOD + "slots = 1979-05-27", "3:1: slots takes a number"),
        ("name = ", "1:1: Invalid value"),
        ("a = [", "1:[0-9]: "),
        ("a = " + "[" * 5000, "it cannot be read: .*recursion"),
        ("\udcff", "it cannot be read: .*can't decode"),
        (GOOD + "usb_vendor_id = 65536", "3:1: usb_vendor_id and usb_product_id have 16 bits"),
        (GOOD + "manufacturer = 3", "3:1: manufacturer takes a text"),
    ],
)
def test_wrong_description_is_refused(tmp_path, text, why):
    """`versions = 0` and `aaguid = 0` ended in a traceback."""
    path = tmp_path / "x.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ModelInvalid, match=rf"x\.toml:? ?{why}"):
        load_model(path)


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text('versions = 0\naaguid = 0\nslot = 1\nwink = "yes"')
    with pytest.raises(ModelInvalid) as told:
        load_model(path)
    places = [problem.where.removeprefix(str(path)) for problem in told.value.problems]
    assert places == [":1:1", ":2:1", ":3:1", ":4:1", ":1:1"]


def a_value(stream, kind):
    """A value of TOML: half of those for numbers and booleans have the right type."""
    likely = {int: ["0", "1", "2", "70", "7000", "4294967295"], bool: ["true", "false"]}
    if kind in likely and stream.random() < 0.5:
        return stream.choice(likely[kind])
    numbers = ["0", "1", "-1", "7", "70000", "99999999999999999999", "1.5", "true", "false"]
    texts = ['""', '"x"', '"FIDO_2_0"', '"usb"', '"ES256"', '"hmac-secret"', '"packed-self"']
    single = [*numbers, *texts, "1979-05-27", "{}", "{a = 1}"]
    some = ", ".join(stream.choice(single) for _ in range(stream.randrange(3)))
    return stream.choice([*single, f"[{some}]"])


def test_any_description_is_refused_in_words_or_makes_a_key_that_works(tmp_path):
    """Some keys of a shipped file changed at a time; seeded, with the file in the failure."""
    stream, path = Entropy(7).stream("models"), tmp_path / "x.toml"
    shipped = [(FOLDER / f"{name}.toml").read_text() for name in model_names()]
    known = [(field.name, field.type) for field in fields(Model)]
    refused = worked = 0
    for _ in range(600):
        lines = dict(re.findall(r"^(\w+) = (.*)$", stream.choice(shipped), re.MULTILINE))
        for name, kind in stream.sample(known, stream.randrange(1, 3)):
            lines[name] = a_value(stream, kind)
        path.write_text(text := "".join(f"{name} = {value}\n" for name, value in lines.items()))
        try:
            model = load_model(path)
        except ModelInvalid as error:
            refused += all(str(path) in problem.where for problem in error.problems)
            continue
        try:
            use(SecurityKey(model, random_bytes=Entropy(1).random_bytes("key")))
        except Exception as error:
            error.add_note(text)
            raise
        worked += 1
    assert refused > 100
    assert worked > 100


def use(key):
    """Everything that a client asks first; a refusal by the standard is an answer."""
    try:
        key.plug()
    except NotOffered:
        return
    device = key.device()
    if not key.model.ctap2:
        Ctap1(device).get_version()
        return
    with suppress(CtapError, ValueError):  # python-fido2 does not know every getInfo
        ctap = Ctap2(device)
        with suppress(CtapError):
            ctap.make_credential(
                bytes(32), {"id": "a"}, {"id": b"v"}, [{"type": "public-key", "alg": -7}]
            )
        with suppress(CtapError):
            ctap.get_assertion("a", bytes(32))
        with suppress(CtapError):
            ctap.client_pin(1, 1)
        with suppress(CtapError):
            ctap.reset()


def test_unknown_model_is_answered_with_the_known_ones():
    with pytest.raises(ModelInvalid, match=r"there are all-features, always-uv, ctap-2\.1-bio"):
        load_model("no-such")


def test_model_may_be_changed_field_by_field(make_key):
    key = make_key()
    other = make_key(replace(key.model, user_action_timeout_s=5))
    transaction = other.begin(11)
    assert transaction.deadline_ns - other.clock.ns == 5_000_000_000
