"""A test suite for security keys runs against our key: python-fido2's own, or one of yours.

    $ python device_suite.py

The suite must reach its key by python-fido2 and be told of a controller that plugs the key in and
out, as python-fido2's is. Options after -- are pytest's. In real time:

    python device_suite.py --real --model ctap-2.1-pin PATH/tests/device -- -k largeblobs

python-fido2's suite comes with its source: pip download --no-deps --no-binary fido2 fido2
"""

import argparse
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import fido2.hid
import pytest
from fido2.hid import CtapHidDevice
from fido2.hid.base import CtapHidConnection, HidDescriptor

from mfalab.devices.ctap.user import presenting
from mfalab.devices.schedule import Scheduler, WallTime
from mfalab.devices.security_key import SecurityKey
from mfalab.simulator.clocks import WallClock
from mfalab.simulator.clocks.blocking import BlockingClients
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.entropy import Entropy

FETCHED = Path(sys.prefix) / "fido2-suite" / "tests" / "device"
REACTION_NS = 50_000_000
YEAR_NS = 365 * 86_400 * 10**9


def make_key(model: str, scheduler: Scheduler) -> SecurityKey:
    """A key that is plugged in, and whose owner lays a thumb on it whenever it blinks."""
    random_bytes = Entropy(7).random_bytes("key")
    user = presenting("thumb", REACTION_NS)
    key = SecurityKey(model, random_bytes=random_bytes, scheduler=scheduler, user=user)
    key.plug()
    return key


def put_in_front_of_python_fido2(key: SecurityKey) -> None:
    """The only key that python-fido2 finds, whichever of its doors a suite takes."""

    def descriptors() -> Iterator[HidDescriptor]:
        if key.plugged:
            device = key.device()
            device.close()
            yield device.descriptor

    def open_connection(descriptor: HidDescriptor) -> CtapHidConnection:
        return key.connection()

    def open_device(path: str) -> CtapHidDevice:
        return key.device()

    fido2.hid.list_descriptors = descriptors
    fido2.hid.open_connection = open_connection
    fido2.hid.open_device = open_device


def serve_controller(key: SecurityKey) -> str:
    """Power of the key by GET /usb6/power/on and off; it is touched by its owner anyway."""

    class Controller(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith("/power/off"):
                key.unplug()
            elif self.path.endswith("/power/on"):
                key.plug()
            self.send_response(200)
            self.end_headers()

        def log_message(self, *what: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Controller)
    Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def main() -> int:
    """Run the suite; the exit code is pytest's."""
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser()
    parser.add_argument("suite", nargs="?", type=Path, default=FETCHED)
    parser.add_argument("--model", default="all-features")
    parser.add_argument("--real", action="store_true")
    given = parser.parse_args(words[:cut])

    clients = BlockingClients(Timeline(0))
    key = make_key(given.model, WallTime(WallClock()) if given.real else clients)
    put_in_front_of_python_fido2(key)
    arguments = [str(given.suite), "--controller", serve_controller(key)]
    arguments += ["--ep-rp-id", "corp.example", "-p", "no:randomly", *words[cut + 1 :]]
    if given.suite == FETCHED:
        arguments.append(f"--ignore-glob={FETCHED}/*sign*")  # previewSign, which no key here has
    if given.real:
        return int(pytest.main(arguments))
    return int(clients.call(lambda: pytest.main(arguments), within_ns=YEAR_NS))


if __name__ == "__main__":
    sys.exit(main())
