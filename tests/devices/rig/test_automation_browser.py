"""Pages in a real browser cannot press the rig's finger: another origin, a frame, a data: page."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any
from urllib.parse import quote

import pytest

from mfalab.devices.rig import RigSpec, make_rig
from mfalab.devices.rig.automation import Automation, make_server
from mfalab.devices.rig.timing import SchedulerTiming
from mfalab.devices.schedule import OwnTime

pytestmark = pytest.mark.slow

ATTACK = """\
<script>
  const tries = [{{}}, {{mode: "no-cors"}}, {{mode: "no-cors", credentials: "include"}}];
  tries.forEach(each => fetch("{target}", {{method: "POST", ...each}}).catch(() => null));
</script>
<form method="POST" target="into" action="{target}"></form><iframe name="into"></iframe>
<script>document.forms[0].submit()</script>
"""
REQUESTS = 4


class Pages(BaseHTTPRequestHandler):
    """A web server on another port: another origin."""

    html = ""

    def do_GET(self) -> None:
        body = self.html.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None: ...


def serving(server: Any) -> Callable[[], None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def end() -> None:
        server.shutdown()
        thread.join()
        server.server_close()

    return end


@pytest.fixture
def target(time: OwnTime, timing: SchedulerTiming, url: str, asked: Queue[str]) -> Iterator[str]:
    """The address of the touch."""
    rig = make_rig(RigSpec("bench1", "scpi", url), clock=time, timing=timing)
    rig.open()
    server = make_server(Automation(rig, timing, on_request=asked.put), 0)
    end = serving(server)
    yield f"http://localhost:{server.server_address[1]}/conformance/userpresence"
    end()
    rig.close()


@pytest.fixture
def asked() -> Queue[str]:
    return Queue()


@pytest.mark.parametrize("kind", ["another origin", "sandboxed frame", "data: page"])
def test_page_cannot_press_the_finger(
    browser: Any, target: str, asked: Queue[str], thing: Any, kind: str
) -> None:
    attack = ATTACK.format(target=target)
    quoted = attack.replace("&", "&amp;").replace('"', "&quot;")
    frame = {
        "another origin": f'<iframe srcdoc="{quoted}"></iframe>',
        "sandboxed frame": (
            f'<iframe sandbox="allow-scripts allow-forms" srcdoc="{quoted}"></iframe>'
        ),
        "data: page": f'<iframe src="data:text/html,{quote(attack)}"></iframe>',
    }[kind]
    pages = type("Page", (Pages,), {"html": frame})
    server = ThreadingHTTPServer(("127.0.0.1", 0), pages)
    end = serving(server)
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
        answers = [asked.get(timeout=20) for _ in range(REQUESTS)]
    finally:
        context.close()
        end()
    assert [line for line in answers if ": 403 " not in line] == []
    assert thing.log == []
