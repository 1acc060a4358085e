"""A person with a security key at the console, in a headless Firefox.

firefox.py PROFILE [PIN TOLD USER TIMES], as in at_console.py; the PIN is typed whenever it is asked
for. Without a person Firefox ends when it has started: its profile is then as good as used, and the
next start has no first-run work. The protocol is that of Firefox's source, testing/marionette:
`length:[type, number, command or error, what belongs to it]`.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from at_console import AtConsole, NoValue, wait_for

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
        port = wait_for("port of Firefox", lambda: said.exists() and said.read_text())
        self.stream = socket.create_connection(("127.0.0.1", int(port))).makefile("rwb")
        self.number = 0
        self.read()

    def read(self) -> Any:
        """The next message."""
        length = b""
        while (byte := self.stream.read(1)) not in (b":", b""):
            length += byte
        return json.loads(self.stream.read(int(length)))

    def ask(self, command: str, **parameters: object) -> Any:
        """Have a command done; what it gives.

        Raises:
            NoValue: it cannot be done.
        """
        self.number += 1
        text = json.dumps([0, self.number, command, parameters]).encode()
        self.stream.write(b"%d:%s" % (len(text), text))
        self.stream.flush()
        _, _, error, given = self.read()
        if error:
            raise NoValue(error)
        return given

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page."""
        return self.ask("WebDriver:ExecuteScript", script=f"return {expression}")["value"]


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


def drive(marionette: Marionette, pin: str, told: str, user: str, times: str) -> None:
    """Be that person, and answer the prompts."""
    marionette.ask("WebDriver:NewSession", pageLoadStrategy="none")
    marionette.ask("Marionette:SetContext", value="chrome")
    marionette.ask("WebDriver:ExecuteScript", script=ANSWER, args=[pin])
    marionette.ask("Marionette:SetContext", value="content")
    person = AtConsole(marionette.evaluate, told)
    person.assign(user)
    for _ in range(int(times)):
        person.sign_in(user, "signed in with MFA")


def main(folder: str, *person: str) -> None:
    """Run Firefox with the profile in a folder, which may be new."""
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
        marionette = Marionette(profile)
        if person:
            drive(marionette, *person)
        else:
            marionette.ask("WebDriver:NewSession")
            marionette.ask("Marionette:Quit", flags=["eAttemptQuit"])
            firefox.wait()
    finally:
        firefox.kill()


if __name__ == "__main__":
    main(*sys.argv[1:])
