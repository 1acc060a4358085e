import pickle

import pytest

from mfalab.devices.errors import (
    DeviceError,
    DeviceUnusable,
    NoCodeReceived,
    NotOffered,
    Problem,
    ProvisioningError,
    UnknownAccount,
    Unusable,
)

SENTENCES = [
    (
        DeviceUnusable("fob 7", Unusable.BATTERY_DEAD, "Replace it."),
        "fob 7 has a dead battery. Replace it.",
    ),
    (
        NotOffered("app", "backup", "Enrol a second device."),
        "app does not offer backup. Enrol a second device.",
    ),
    (
        UnknownAccount("app", "eve", (), ()),
        (
            'app holds no account "eve" (it holds: none). '
            "Add the account, or restore a backup that has it."
        ),
    ),
    (
        UnknownAccount("app", "eve", ("A:eve", "B:eve"), ("A:eve", "B:eve")),
        'app holds several accounts "eve". Name one: "A:eve" and "B:eve".',
    ),
    (
        NoCodeReceived("phone", 3),
        (
            "phone has received no code (texts in the inbox: 3). "
            "Wait for the carrier, or ask for the code to be sent again."
        ),
    ),
    (
        ProvisioningError([Problem("seeds.csv:2:1", "it is odd."), Problem("b", "so is it.")]),
        "seeds.csv:2:1: it is odd.\nb: so is it.",
    ),
]


@pytest.mark.parametrize(("error", "sentence"), SENTENCES)
def test_error_is_a_sentence_and_survives_copying(error: DeviceError, sentence: str) -> None:
    assert str(error) == sentence
    again = type(error)(*error.args)
    pickled = pickle.loads(pickle.dumps(error))
    assert str(again) == str(pickled) == sentence
    assert vars(pickled) == vars(again) == vars(error)


def test_every_error_of_the_package_is_in_the_table() -> None:
    home = DeviceError.__module__
    there = {each for each in DeviceError.__subclasses__() if each.__module__ == home}
    assert {type(error) for error, _ in SENTENCES} == there
