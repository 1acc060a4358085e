"""A PostgreSQL server of one's own: in a private folder, on loopback, until its input ends.

Started as a script; `--no-fsync` for what needs no durability. It prints one line of JSON: `url`
by TCP with a password, `socket_url` by a Unix socket. Then it takes words, one a line, and says
each again when it is done: `stop` and `start` the server, `kill` it as a crash does.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

PLACES = "lib/postgresql/*/bin"


def programs() -> Path | None:
    """The folder of PostgreSQL's programs."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    folders = [
        folder
        for root in ("/usr", "/usr/local", "/opt/homebrew")
        for folder in sorted(Path(root).glob(PLACES), key=lambda each: int(each.parent.name))
        if (folder / "initdb").exists()
    ]
    return folders[-1] if folders else None


class Server:
    """A server with data of its own."""

    def __init__(self, folder: Path, bin_: Path, *, fsync: bool) -> None:
        self.folder, self.bin, self.fsync = folder, bin_, fsync
        # PostgreSQL does not run as root.
        self.user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.password = secrets.token_hex(16)
        self.process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password)
        if self.user:
            for each in (self.folder, secret):
                shutil.chown(each, "postgres", "postgres")
        self.run("initdb", "--username=mfalab", f"--pwfile={secret}", "--auth-local=trust",
                 "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync",
                 "--no-instructions")  # fmt: skip
        secret.unlink()

    def run(self, program: str, *words: str) -> None:
        subprocess.run(
            [*self.user, str(self.bin / program), "-D", str(self.folder / "data"), *words],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=sys.stderr,
            cwd=self.folder,
        )

    def start(self) -> None:
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "fsync": "on" if self.fsync else "off",
            "max_connections": 100,
        }
        words = " ".join(f"-c {name}={value}" for name, value in options.items())
        log = self.folder / "data" / "log"
        self.run("pg_ctl", "--wait", "--silent", f"--log={log}", f"--options={words}", "start")

    def stop(self, mode: str = "fast") -> None:
        self.run("pg_ctl", "--wait", "--silent", f"--mode={mode}", "stop")

    def kill(self) -> None:
        """Without a checkpoint, as when the power fails; the next start recovers."""
        self.stop("immediate")

    def told(self) -> str:
        user = f"mfalab:{self.password}"
        return json.dumps(
            {
                "url": f"postgresql://{user}@127.0.0.1:{self.port}/postgres",
                "socket_url": f"postgresql://mfalab@/postgres?host={quote(str(self.folder))}"
                f"&port={self.port}",
            }
        )


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--no-fsync", action="store_true")
    fsync = not parser.parse_args().no_fsync
    bin_ = programs()
    if bin_ is None:
        sys.exit("no PostgreSQL is installed; apt-get install postgresql brings it")
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: sys.exit(1))
    # Short: a Unix socket's name has 107 bytes.
    with tempfile.TemporaryDirectory(prefix="mfalab-pg-", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder), bin_, fsync=fsync)
        server.make()
        server.start()
        running = True
        try:
            say(server.told())
            for line in sys.stdin:
                word = line.strip()
                if word not in {"start", "stop", "kill"}:
                    sys.exit(f"no {word!r} here")
                {"start": server.start, "stop": server.stop, "kill": server.kill}[word]()
                running = word == "start"
                say(word)
        finally:
            if running:
                server.kill()


if __name__ == "__main__":
    main()
