"""Description files: each is true to itself, and a wrong one says what is wrong."""

from dataclasses import replace

import pytest

from mfalab.devices.ctap import load_model, model_names
from mfalab.devices.ctap.model import ModelInvalid


def test_these_models_come_along():
    assert model_names() == (
        "always-uv", "ctap-2.1-bio", "ctap-2.1-pin", "ctap-2.3", "enterprise", "fido-2.0",
        "slots-25", "u2f-2016", "yubikey-like",
    )  # fmt: skip


def test_models_differ_in_aaguid():
    aaguids = [load_model(name).aaguid for name in model_names()]
    assert len(set(aaguids)) == len(aaguids)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('name = "x"', "versions"),
        ('name = "x"\nversions = ["U2F_V2"]\nslot = 3', "unknown key slot"),
        ('name = "x"\nversions = []', "neither U2F_V2 nor FIDO_2"),
        ('name = "x"\nversions = ["FIDO_2_1"]\naaguid = "00"', "16 bytes"),
        ('name = "x"\nversions = ["FIDO_2_1"]\nclient_pin = true', "pin_uv_protocols"),
        ('name = "x"\nversions = ["FIDO_2_1"]\nslots = "many"', "slots takes int"),
        ('name = "x"\nversions = ["FIDO_2_1"]\nslots = true', "slots takes int"),
        ('name = "x"\nversions = ["FIDO_2_1"]\nalgorithms = ["ES257"]', "ES257"),
        ('name = "x"\nversions = ["FIDO_2_1"]\nmax_msg_size = 99', "1024"),
        ("name = ", "Invalid value"),
    ],
)
def test_wrong_description_is_refused(tmp_path, text, why):
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(ModelInvalid, match=why):
        load_model(path)


def test_unknown_model_is_answered_with_the_known_ones():
    with pytest.raises(ModelInvalid, match=r"there are always-uv, ctap-2\.1-bio"):
        load_model("no-such")


def test_model_may_be_changed_field_by_field(make_key):
    key = make_key()
    other = make_key(replace(key.model, user_action_timeout_s=5))
    transaction = other.begin(11)
    assert transaction.deadline_ns - other.clock.ns == 5_000_000_000
