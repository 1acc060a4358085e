"""The reports of a run: for a terminal, for programs, and for a browser."""

import base64
import gzip
import json
import re
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from mfalab.devices.ctap.faults import Faults
from mfalab.simulator.conformance.html import render_html, write_html
from mfalab.simulator.conformance.report import as_plain, headline, summary, write_json
from mfalab.simulator.conformance.timings import Spread

IDS = (
    "ctaphid/announced-wink-works",
    "getinfo/get-info-answers",
    "makecredential/aaguid-is-that-of-get-info",
    "clientpin/token-for-credmgmt",
    "pin-tries/tries-fall-and-are-restored",
    "bioenrollment/modality-is-fingerprint",
    "extensions/hmac-secret-by-protocol-2",
)


@pytest.fixture(scope="module")
def faulty(tested, chosen):
    """A run with failures of several kinds, a skip, and secrets in its traffic."""
    faults = Faults(wrong_aaguid=True, missing=frozenset({"wink", "credMgmt", "hmac-secret"}))
    return tested(tests=chosen(*IDS), faults=faults, destructive=True)[0]


def test_terminal_tells_failures_skips_timings_and_the_count_last(faulty):
    lines = list(summary(faulty))
    text = "\n".join(lines)
    assert "FAILED ctaphid/announced-wink-works (CTAP 2.1 \u00a711.2.9.2.1)" in lines
    assert "  expected  an empty CTAPHID_WINK" in lines
    assert "  got       CTAPHID_ERROR 0x01 INVALID_CMD" in lines
    assert "     1  the key does not announce option bioEnroll" in lines
    assert "getInfo to its first byte" not in text
    assert lines[-1].endswith(" of virtual time")
    assert lines[-1].startswith("sim:ctap-2.1-pin: 4 failed, 2 passed, 1 skipped in ")
    assert headline(faulty) == "sim:ctap-2.1-pin: 4 failed, 2 passed, 1 skipped"


def test_no_time_is_printed_as_zero(faulty):
    """A key in the wall's time takes some, however short; a simulated one computes in none."""
    quick = Spread("getInfo to its first byte", 3, 1, 49_999, 1_234_567, 1_300_000)
    none = Spread("makeCredential to its first byte after the touch", 2, 0, 0, 0, 0)
    virtual = replace(faulty, spreads=(quick, none))
    wall = replace(virtual, started_ns=1_790_000_000 * 10**9)
    assert [line[54:].split() for line in summary(virtual) if " first byte" in line] == [
        ["<", "0.1", "1.2", "3"],
    ]
    assert [line[54:].split() for line in summary(wall) if " first byte" in line] == [
        ["<", "0.1", "1.2", "3"],
        ["<", "0.1", "<", "0.1", "2"],
    ]
    assert any(line.startswith("Timings in ms of virtual time  ") for line in summary(virtual))
    assert any(line.startswith("Timings in ms  ") for line in summary(wall))


def test_json_says_all_of_it(faulty, tmp_path):
    write_json(faulty, tmp_path / "run.json")
    told = json.loads((tmp_path / "run.json").read_text())
    assert told == json.loads(json.dumps(as_plain(faulty)))
    assert told["counts"] == {"failed": 4, "passed": 2, "skipped": 1}
    assert told["key"]["versions"] == ["U2F_V2", "FIDO_2_0", "FIDO_2_1_PRE", "FIDO_2_1"]
    assert (told["passed"], told["destructive"], told["ended"]) == (False, True, "")
    by_id = {test["id"]: test for test in told["tests"]}
    assert list(by_id) == list(IDS)
    wink = by_id["ctaphid/announced-wink-works"]
    assert [line["text"] for line in wink["trace"]] == ["WINK", "ERROR INVALID_CMD"]
    assert [line["way"] for line in wink["trace"]] == ["to key", "to host"]
    assert "trace" not in by_id["getinfo/get-info-answers"]
    assert by_id["bioenrollment/modality-is-fingerprint"]["why"] == (
        "the key does not announce option bioEnroll"
    )
    assert {each["name"] for each in told["timings"]} >= {"getInfo to its first byte"}


def test_traces_are_decoded_and_secrets_are_masked(faulty):
    told = as_plain(faulty)
    traces = {test["id"]: test.get("trace", []) for test in told["tests"]}
    text = " ".join(line["text"] for line in traces["clientpin/token-for-credmgmt"])
    assert "clientPIN getKeyAgreement SUCCESS" in text
    assert "/permissions/ 9: 4" in text
    assert "UNAUTHORIZED_PERMISSION" in text
    assert re.search(r"/pinHashEnc/ 6: h'\*+'", text)
    secret = " ".join(line["text"] for line in traces["extensions/hmac-secret-by-protocol-2"])
    assert "makeCredential SUCCESS" in secret
    made = " ".join(line["text"] for line in traces["makecredential/aaguid-is-that-of-get-info"])
    assert "aaguid 92999e939e9dbfff7fffffffffffffde" in made


def test_messages_that_repeat_are_told_once_with_how_often(tested, chosen):
    slow = Faults(slow_crypto_ns=2 * 10**9)
    found, _ = tested(tests=chosen("whole-run/registration-is-in-time"), faults=slow)
    told = as_plain(found)["tests"][0]["trace"]
    assert {line["text"]: line["times"] for line in told}["KEEPALIVE PROCESSING"] > 30


class Page(HTMLParser):
    """Collects scripts by id, addresses, and the policy."""

    def __init__(self, text):
        super().__init__()
        self.addresses = set()
        self.scripts = {}
        self.policy = ""
        self.current = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.addresses |= {found[name] for name in ("src", "href", "action") if name in found}
        if tag == "meta" and found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]
        if tag in {"script", "style"}:
            self.current = found.get("id") or found.get("type") or tag
            self.scripts[self.current] = ""

    def handle_data(self, data):
        if self.current:
            self.scripts[self.current] += data

    def handle_endtag(self, tag):
        self.current = None


def _named(text):
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"


def test_page_holds_all_it_needs_and_fetches_nothing(faulty):
    page = Page(render_html(faulty))
    assert page.addresses == {"data:,", "#tests"}
    assert page.policy.startswith("default-src 'none';")
    assert f"script-src {_named(page.scripts['module'])};" in page.policy
    assert f"style-src {_named(page.scripts['style'])};" in page.policy
    data = json.loads(gzip.decompress(base64.b64decode(page.scripts["data"], validate=True)))
    assert data == json.loads(json.dumps(as_plain(faulty)))


def test_equal_runs_are_equal_pages(faulty, tmp_path):
    write_html(faulty, tmp_path / "one.html")
    assert (tmp_path / "one.html").read_text() == render_html(faulty)
    assert "<title>sim:ctap-2.1-pin: 4 failed, 2 passed, 1 skipped - mfalab</title>" in (
        render_html(faulty)
    )


def test_hostile_text_is_nowhere_in_the_markup(tested, chosen):
    from dataclasses import replace

    found, _ = tested(tests=chosen("getinfo/get-info-answers"))
    hostile = replace(found, device="</script><script>alert(1)</script>\u202e", notes=("<b>x",))
    text = render_html(hostile)
    assert "alert(1)</script>" not in text
    assert "<b>x" not in text
