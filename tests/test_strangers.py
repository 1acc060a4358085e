"""Programs that know nothing of us use our keys through the kernel, in a guest.

tests/guest has a script for each stranger. One guest runs them all at the same time, each with keys
of its own; every sentence that a script proves is a test here. The first worker that needs the
guest boots it, the others wait for what it finds.
"""

from __future__ import annotations

import compileall
import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from fido2.ctap import CtapError
from fido2.ctap2.base import Ctap2
from fido2.ctap2.bio import FPBioEnrollment
from fido2.ctap2.pin import ClientPin

import mfalab
from mfalab.devices.ctap.user import presenting
from mfalab.devices.schedule import OwnTime
from mfalab.simulator.cli.key_file import make, open_key
from mfalab.simulator.guest import GuestError, boot

GUEST = Path(__file__).parent / "guest"
MODELS = Path(__file__).parents[1] / "devices" / "ctap" / "models"
LIMIT_S = 1500.0
PIN = "903817"

NEEDS = {
    "firefox.sh": ("firefox-esr",),
    "chromium.sh": ("chromium", "Xvfb", "xdotool"),
    "fido2_tools.sh": ("fido2-token", "fido2-cred", "fido2-assert"),
    "openssh.sh": ("ssh", "ssh-keygen", "sshd", "fido2-token"),
    "cryptenroll.sh": ("systemd-cryptenroll", "cryptsetup"),
    "pam_u2f.sh": ("pamtester", "pamu2fcfg"),
    "usbip.sh": ("usbip", "lsusb", "fido2-token"),
    "killed.sh": (),
}
"""The scripts, those first that take longest, each with the programs that it runs."""

USUAL = "yubikey-like"
"""The model that strangers meet most."""

KEYS = {
    **dict.fromkeys(("disk", "ssh", "ssh-other", "pam", "pam-other", "usb/usb"), USUAL),
    "tools": "ctap-2.1-pin",
    "firefox": "ctap-2.1-pin",
    "untouched/chromium": "ctap-2.1-bio",
    "untouched/untouched": USUAL,
}
"""The keys of all strangers, as run.sh wants them, each with the model that it is made after."""

pytestmark = [pytest.mark.slow, pytest.mark.guest]


def sentences() -> Iterator[tuple[str, str]]:
    """Each sentence with its script."""
    for script in NEEDS:
        text = (GUEST / script).read_text()
        found = re.findall(r'^proves "(.*?)"', text, re.MULTILINE)
        assert found, f"{script} proves nothing"
        yield from ((script, sentence) for sentence in found)


def make_keys(folder: Path) -> None:
    """Make the keys; those that browsers use have a PIN."""
    folder.mkdir()
    patient = {}
    for model in set(KEYS.values()):
        # Chromium sends a packet when its other process has told that the one before is written
        # (device/fido/hid/fido_hid_device.cc, PacketWritten), and any client of an emulated machine
        # may be without a processor for a while. Either takes more than the 500 ms of CTAPHID at
        # times; this is the 3 s that U2FHID gave (u2f_hid.h, U2FHID_TRANS_TIMEOUT).
        patient[model] = folder / f"{model}.toml"
        described = (MODELS / f"{model}.toml").read_text()
        patient[model].write_text(f"message_timeout_ms = 3000\n{described}")
    for name, model in KEYS.items():
        path = folder / f"{name}.key"
        path.parent.mkdir(exist_ok=True)
        make(path, str(patient[model]), None)
    with using(folder / "firefox.key") as ctap:
        ClientPin(ctap).set_pin(PIN)
    with using(folder / "untouched" / "chromium.key", "thumb") as ctap:
        pin = ClientPin(ctap)
        pin.set_pin(PIN)
        token = pin.get_pin_token(PIN, ClientPin.PERMISSION.BIO_ENROLL)
        enrolment = FPBioEnrollment(ctap, pin.protocol, token).enroll()
        while enrolment.capture() is None:
            pass
    with using(folder / "untouched" / "chromium.key", "another finger") as ctap:
        refused: list[CtapError.ERR] = []
        while CtapError.ERR.UV_BLOCKED not in refused:
            with pytest.raises(CtapError) as caught:
                ClientPin(ctap).get_uv_token(ClientPin.PERMISSION.GET_ASSERTION, "localhost")
            refused.append(caught.value.code)


@contextmanager
def using(path: Path, finger: str = "") -> Iterator[Ctap2]:
    """A client of a key that is plugged in; whoever holds it presents that finger."""
    key = open_key(path, scheduler=OwnTime(), user=presenting(finger), power_up=True)
    key.plug()
    yield Ctap2(key.device())
    key.close()


def absent(script: str) -> list[str]:
    """The programs of a script that this machine lacks."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    return [program for program in NEEDS[script] if shutil.which(program, path=path) is None]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the strangers said, a file for each script, and why there is none."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "strangers"
    with (shared / "strangers.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            folder.mkdir()
            make_keys(shared / "strangers-keys")
            run_all(folder, shared / "strangers-keys")
    return folder


def run_all(folder: Path, keys: Path) -> None:
    """Boot the guest, and write down what went wrong with it, if anything."""
    scripts = [script for script in NEEDS if not absent(script)]
    if "firefox.sh" in scripts:
        # The first start is much work for an emulated processor. If it fails here, it does there.
        with (folder / "firefox-profile.log").open("w") as log:
            first = [sys.executable, str(GUEST / "firefox.py"), str(keys / "firefox.profile")]
            subprocess.run(first, stdout=log, stderr=log, check=False)
    # Else each process in the guest compiles our modules, which takes a quarter of its start.
    compileall.compile_dir(*mfalab.__path__, quiet=2)
    command = ["bash", str(GUEST / "run.sh"), str(folder), str(keys), *scripts]
    try:
        ended = boot(command, share=[folder], memory="4G", timeout_s=LIMIT_S)
    except GuestError as error:
        (folder / "guest").write_text(f"{error}")
    else:
        (folder / "guest").write_text(f"the guest ended with {ended.code}.\n{ended.err.decode()}")


@pytest.mark.parametrize(("script", "sentence"), list(sentences()), ids=lambda text: text)
def test_stranger(
    answers: Path, script: str, sentence: str, give_up: Callable[[str], NoReturn]
) -> None:
    if lacking := absent(script):
        give_up(f"{', '.join(lacking)} is not installed; make system installs it")
    log = answers / f"{script}.log"
    if not log.exists():
        give_up((answers / "guest").read_text())
    said = log.read_text(errors="replace")
    if f"\n## proved: {sentence} (" in said:
        return
    _, began, part = said.partition(f"## begin: {sentence}\n")
    shown = part.partition("\n## begin: ")[0] if began else said
    others = "".join(path.read_text() for path in sorted(answers.glob("plug-*.log")))
    pytest.fail(f"{shown[-6000:]}\n{(answers / 'guest').read_text()}\n{others}", pytrace=False)
