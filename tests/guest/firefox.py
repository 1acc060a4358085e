"""Open a page in Firefox, which types the PIN whenever it asks its user for one.

firefox.py PORT PIN URL, where PORT is that of Firefox's marionette. The protocol is that of
Firefox's source, testing/marionette: `length:[type, number, command or error, what belongs to it]`.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from threading import Event
from typing import Any

PATIENCE_S = 600


class Marionette:
    """The way to a Firefox."""

    def __init__(self, port: int) -> None:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                self.stream = socket.create_connection(("127.0.0.1", port)).makefile("rwb")
                break
            except ConnectionRefusedError:
                if time.monotonic() > until:
                    raise
                Event().wait(1)  # it is still starting
        self.number = 0
        self.read()

    def read(self) -> Any:
        """The next message."""
        length = b""
        while (byte := self.stream.read(1)) not in (b":", b""):
            length += byte
        return json.loads(self.stream.read(int(length)))

    def ask(self, command: str, **parameters: object) -> tuple[Any, Any]:
        """The error, None when there is none, and the result of a command."""
        self.number += 1
        text = json.dumps([0, self.number, command, parameters]).encode()
        self.stream.write(b"%d:%s" % (len(text), text))
        self.stream.flush()
        _, _, error, result = self.read()
        return error, result


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


def drive(port: int, pin: str, url: str) -> None:
    """Answer the prompts that will come, and open the page."""
    firefox = Marionette(port)
    for command, parameters in (
        ("WebDriver:NewSession", {"pageLoadStrategy": "none"}),
        ("Marionette:SetContext", {"value": "chrome"}),
        ("WebDriver:ExecuteScript", {"script": ANSWER, "args": [pin]}),
        ("Marionette:SetContext", {"value": "content"}),
        ("WebDriver:Navigate", {"url": url}),
    ):
        error, _ = firefox.ask(command, **parameters)
        sys.stdout.write(f"{command}: {error or 'done'}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    drive(int(sys.argv[1]), sys.argv[2], sys.argv[3])
