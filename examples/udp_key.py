"""A security key in another process, over UDP: python-fido2 registers a credential and uses it.

`mfalab key plug` keeps the key in a file and offers its 64-byte reports as datagrams, so any
program that can send a datagram can use it, in any language.

    $ python udp_key.py
"""

import socket
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from fido2.ctap2.base import Ctap2
from fido2.hid import CtapHidDevice
from fido2.hid.base import CtapHidConnection, HidDescriptor


class Datagrams(CtapHidConnection):
    """One report of the key in each datagram."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))

    def read_packet(self) -> bytes:
        return self.socket.recv(64)

    def write_packet(self, data: bytes) -> None:
        self.socket.send(data)

    def close(self) -> None:
        self.socket.close()


with TemporaryDirectory() as folder:
    file = Path(folder, "my.key")
    subprocess.run(["mfalab", "key", "new", file], check=True)
    plugged = subprocess.Popen(
        ["mfalab", "key", "plug", file, "--udp", "0", "--touch", "yes"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert plugged.stdout is not None
    try:
        port = int(plugged.stdout.readline().rpartition(":")[2])  # udp 127.0.0.1:40123
        key = CtapHidDevice(HidDescriptor(str(file), 0, 0, 64, 64, None, None), Datagrams(port))
        ctap = Ctap2(key)
        made = ctap.make_credential(
            client_data_hash=bytes(32),
            rp={"id": "example.com", "name": "Example"},
            user={"id": b"alice", "name": "alice"},
            key_params=[{"type": "public-key", "alg": -7}],
        )
        credential = made.auth_data.credential_data
        assert credential is not None
        assertion = ctap.get_assertion(
            rp_id="example.com",
            client_data_hash=bytes(32),
            allow_list=[{"type": "public-key", "id": credential.credential_id}],
        )
        assertion.verify(bytes(32), credential.public_key)  # raises InvalidSignature
        print(f"{ctap.info.versions[-1]}: signature {assertion.auth_data.counter} is good")
        key.close()
    finally:
        plugged.terminate()
        plugged.communicate()
