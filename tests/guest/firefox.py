"""Start Firefox, headless, and open a page in it; a PIN is typed whenever Firefox asks for one.

firefox.py PROFILE [PIN URL]. Without a page Firefox ends when it has started: its profile is then
as good as used, and the next start has no first-run work. The protocol is that of Firefox's source,
testing/marionette: `length:[type, number, command or error, what belongs to it]`.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Event
from typing import Any

PATIENCE_S = 600

PREFERENCES = {
    "browser.dom.window.dump.enabled": True,
    "marionette.port": 0,  # any; the profile's MarionetteActivePort says which
    # Fewer processes and compilers: an emulated processor pays for each start and for new code.
    "dom.ipc.processCount": 1,
    "dom.ipc.processPrelaunch.enabled": False,
    "fission.autostart": False,
    "javascript.options.baselinejit": False,
    "javascript.options.ion": False,
    "javascript.options.native_regexp": False,
    "media.rdd-process.enabled": False,
    "media.utility-process.enabled": False,
    "network.process.enabled": False,
    # Nothing that is fetched, measured or offered beside the page.
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.newtab.preload": False,
    "browser.newtabpage.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.search.update": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.systemAddon.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "privacy.trackingprotection.enabled": False,
    "services.settings.server": "http://localhost:1",
    "toolkit.cosmeticAnimations.enabled": False,
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.unified": False,
}


class Marionette:
    """The way to a Firefox.

    Args:
        profile: of that Firefox.
    """

    def __init__(self, profile: Path) -> None:
        said = profile / "MarionetteActivePort"
        until = time.monotonic() + PATIENCE_S
        while not (said.exists() and said.read_text()):
            if time.monotonic() > until:
                raise TimeoutError(f"no Firefox said its port within {PATIENCE_S} s")
            Event().wait(0.5)
        self.stream = socket.create_connection(("127.0.0.1", int(said.read_text()))).makefile("rwb")
        self.number = 0
        self.read()

    def read(self) -> Any:
        """The next message."""
        length = b""
        while (byte := self.stream.read(1)) not in (b":", b""):
            length += byte
        return json.loads(self.stream.read(int(length)))

    def ask(self, command: str, **parameters: object) -> None:
        """Have a command done; what became of it and when is printed."""
        self.number += 1
        text = json.dumps([0, self.number, command, parameters]).encode()
        self.stream.write(b"%d:%s" % (len(text), text))
        self.stream.flush()
        _, _, error, _ = self.read()
        sys.stdout.write(f"{command}: {error or 'done'}, {time.monotonic():.0f} s\n")
        sys.stdout.flush()


ANSWER = """
const pin = arguments[0];
let answered = null;
window.setInterval(() => {
  const box = gBrowser.getTabDialogBox(gBrowser.selectedBrowser);
  const shown = box.getTabDialogManager()._dialogs[0]?._frame.contentWindow?.Dialog?.ui;
  if (!shown?.button0 || shown.button0.disabled || shown === answered) return;
  answered = shown;
  dump(`Firefox asks: ${shown.infoBody.textContent}\\n`);
  shown.password1Textbox.value = pin;
  shown.button0.click();
}, 500);
"""
"""Marionette itself types no password into a prompt, and dismisses one that a command meets."""


def drive(marionette: Marionette, pin: str, url: str) -> None:
    """Answer the prompts that will come, and open the page; without one, end Firefox."""
    marionette.ask("WebDriver:NewSession", pageLoadStrategy="none")
    marionette.ask("Marionette:SetContext", value="chrome")
    marionette.ask("WebDriver:ExecuteScript", script=ANSWER, args=[pin])
    if url:
        marionette.ask("Marionette:SetContext", value="content")
        marionette.ask("WebDriver:Navigate", url=url)
    else:
        marionette.ask("Marionette:Quit", flags=["eAttemptQuit"])


def main(folder: str, pin: str = "", url: str = "") -> int:
    """Run Firefox with the profile in a folder, which may be new; returns its exit code."""
    profile = Path(folder).resolve()
    profile.mkdir(exist_ok=True)
    (profile / "MarionetteActivePort").unlink(missing_ok=True)
    (profile / "user.js").write_text(
        "".join(f'user_pref("{name}", {json.dumps(at)});\n' for name, at in PREFERENCES.items())
    )
    command = ("firefox-esr", "--headless", "--marionette", "--remote-allow-system-access")
    firefox = subprocess.Popen(
        [*command, "--no-remote", "--profile", str(profile)],
        env={**os.environ, "HOME": str(profile)},
    )
    try:
        drive(Marionette(profile), pin, url)
        return firefox.wait()
    finally:
        firefox.kill()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
