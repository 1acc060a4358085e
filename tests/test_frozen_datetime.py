"""First certificates inside freezegun do not spoil the process.

cryptography kept freezegun's class for the rest of the run: every later registration ended in
`TypeError: 'datetime' object is not an instance of 'FakeDatetime'`, also in code that is not ours.
"""

import subprocess
import sys

import pytest

MAKES = "from mfalab.devices.ctap.ca import root_certificate as make\n"
READS = """
from mfalab.verifier.webauthn.certificates import trust_path
import subprocess, sys
code = "from mfalab.devices.ctap.ca import root_certificate as make; print(make().hex())"
root = bytes.fromhex(subprocess.check_output([sys.executable, "-c", code], text=True))
def make(): trust_path((root,))
"""
FREEZES = "import datetime, freezegun\nreal = datetime.datetime\n"
THEN = """
from cryptography.x509 import CertificateBuilder, load_der_x509_certificate
from mfalab.devices.ctap import ca
der = ca.root_certificate()
assert type(load_der_x509_certificate(der).not_valid_before_utc) is real
assert datetime.datetime is real
"""


@pytest.mark.slow
@pytest.mark.parametrize("first", [MAKES, READS], ids=["makes", "reads"])
@pytest.mark.parametrize("imported", ["before", "inside"])
def test_first_certificate_inside_freezegun(first: str, imported: str) -> None:
    frozen = "with freezegun.freeze_time('2020-01-01'):\n"
    if imported == "before":
        code = FREEZES + first + frozen + "    make()\n" + THEN
    else:
        code = FREEZES + frozen + "    exec(" + repr(first) + ")\n    make()\n" + THEN
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
