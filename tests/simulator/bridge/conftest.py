"""A site in Chromium, and three judges of what its pages bring back."""

import datetime
import json
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NoReturn

import pytest
import webauthn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.utils import websafe_decode, websafe_encode

from mfalab.simulator.bridge.key_browser import KeyBrowser
from mfalab.verifier import AWS_IMMEDIATE
from mfalab.verifier.records import CredentialRecord
from mfalab.verifier.webauthn import ceremonies, messages

NPM = Path(__file__).parents[3] / ".venv" / "npm"
BUNDLE = NPM / "node_modules/@simplewebauthn/browser/dist/bundle/index.umd.min.js"
JUDGE = Path(__file__).with_name("judge.cjs")

RP_ID = "shop.test"
SITE = "https://shop.test"
HOSTS = ("*.test", "*.example")
ALGORITHMS = (-7, -8, -257)

PAGE = b"""<!doctype html><html lang="en"><title>Shop</title><script src="/lib.js"></script>
<script src="/page.js"></script>"""
PAGE_SCRIPT = b"""
"use strict";
window.answer = undefined;
async function told(promise) {
  try { return { answer: await promise }; }
  catch (error) { return { error: error.name, message: error.message, code: error.code }; }
}
window.register = (optionsJSON) => told(SimpleWebAuthnBrowser.startRegistration({ optionsJSON }));
window.signIn = (optionsJSON) => told(SimpleWebAuthnBrowser.startAuthentication({ optionsJSON }));
window.begin = async (act, options) => { window.answer = await window[act](options); };
"""
STRICT = "default-src 'none'; script-src 'self'; frame-src https:; base-uri 'none'"


class _Site(BaseHTTPRequestHandler):
    """Pages of every host; what `?` says comes as headers or as a frame."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        kind, body = "text/html", PAGE
        if path == "/lib.js":
            kind, body = "text/javascript", BUNDLE.read_bytes()
        elif path == "/page.js":
            kind, body = "text/javascript", PAGE_SCRIPT
        elif path == "/.well-known/webauthn":
            kind = "application/json"
            body = json.dumps({"origins": ["https://shop.example"]}).encode()
        elif path == "/frame":
            address, _, allow = query.partition("&")
            body = f'{PAGE.decode()}<iframe src="{address}" allow="{allow}"></iframe>'.encode()
        elif path == "/favicon.ico":
            body = b""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if path == "/strict":
            self.send_header("Content-Security-Policy", STRICT)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="session")
def _site_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, RP_ID)])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC))
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path_factory.mktemp("site") / "site.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def finish_request(self, request: Any, client_address: Any) -> None:
            """The handshake is the client's thread's: a client that says nothing holds up none."""
            with context.wrap_socket(request, server_side=True) as connection:
                super().finish_request(connection, client_address)

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # Chromium drops connections that it has opened in advance

    server = Server(("127.0.0.1", 0), _Site)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def mfa_chromium_options(_site_port: int, give_up: Callable[[str], NoReturn]) -> dict[str, Any]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        give_up("no chromium is installed; apt-get install chromium runs this")
    if not BUNDLE.exists():
        give_up("there are no npm packages; make test installs them")
    hosts = ", ".join(f"MAP {each} 127.0.0.1:{_site_port}" for each in HOSTS)
    arguments = [f"--host-resolver-rules={hosts}", "--ignore-certificate-errors"]
    return {"executable": chromium, "args": arguments}


@dataclass(frozen=True)
class Verdict:
    """What all three judges say of a response."""

    user_verified: bool
    format: str | None = None


@dataclass
class Judges:
    """py_webauthn, @simplewebauthn/server and our verifier; they must agree."""

    node: subprocess.Popen[str]

    def simplewebauthn(self, kind: str, options: dict[str, Any]) -> dict[str, Any]:
        assert self.node.stdin
        assert self.node.stdout
        print(json.dumps({"kind": kind, "options": options}), file=self.node.stdin, flush=True)
        verdict: dict[str, Any] = json.loads(self.node.stdout.readline())
        return verdict

    def registration(
        self,
        options: dict[str, Any],
        response: dict[str, Any],
        *,
        origin: str = SITE,
        rp_id: str = RP_ID,
        top_origin: str | None = None,
    ) -> Verdict:
        theirs = webauthn.verify_registration_response(
            credential=response,
            expected_challenge=websafe_decode(options["challenge"]),
            expected_rp_id=rp_id,
            expected_origin=origin,
        )
        node = self.simplewebauthn(
            "create",
            {
                "response": response,
                "expectedChallenge": options["challenge"],
                "expectedOrigin": origin,
                "expectedRPID": rp_id,
                "requireUserVerification": False,
                "supportedAlgorithmIDs": list(ALGORITHMS),
            },
        )
        assert node.get("verified"), node
        parsed = messages.registration(response)
        ceremonies.judge_registration(parsed, _profile(origin, rp_id, top_origin), 0)
        verified = bool(parsed.authenticator_data.flags & messages.UV)
        assert theirs.user_verified == node["userVerified"] == verified
        assert theirs.fmt == node["format"] == parsed.format
        return Verdict(verified, parsed.format)

    def assertion(
        self,
        options: dict[str, Any],
        response: dict[str, Any],
        made: dict[str, Any],
        *,
        origin: str = SITE,
        rp_id: str = RP_ID,
    ) -> Verdict:
        data = messages.registration(made).authenticator_data
        theirs = webauthn.verify_authentication_response(
            credential=response,
            expected_challenge=websafe_decode(options["challenge"]),
            expected_rp_id=rp_id,
            expected_origin=origin,
            credential_public_key=data.public_key,
            credential_current_sign_count=0,
        )
        node = self.simplewebauthn(
            "get",
            {
                "response": response,
                "expectedChallenge": options["challenge"],
                "expectedOrigin": origin,
                "expectedRPID": rp_id,
                "requireUserVerification": False,
                "credential": {
                    "id": made["id"],
                    "publicKey": websafe_encode(data.public_key),
                    "counter": 0,
                },
            },
        )
        assert node.get("verified"), node
        parsed = messages.assertion(response)
        record = CredentialRecord(
            device_id="key",
            credential_id=data.credential_id,
            public_key=data.public_key,
            sign_count=0,
            aaguid=data.aaguid,
            transports=(),
            backup_eligible=bool(data.flags & messages.BE),
            backed_up=False,
            user_verified=False,
            attestation_format="none",
        )
        ceremonies.judge_assertion(parsed, record, _profile(origin, rp_id, None))
        verified = bool(parsed.authenticator_data.flags & messages.UV)
        assert theirs.user_verified == node["userVerified"] == verified
        return Verdict(verified)


def _profile(origin: str, rp_id: str, top_origin: str | None) -> Any:
    return replace(
        AWS_IMMEDIATE,
        rp_id=rp_id,
        origins=(origin,),
        cross_origin=top_origin is not None,
        top_origins=() if top_origin is None else (top_origin,),
        algorithms=ALGORITHMS,
        passkeys=True,
    )


@pytest.fixture(scope="session")
def judges(give_up: Callable[[str], NoReturn]) -> Iterator[Judges]:
    node = shutil.which("node")
    if node is None:
        give_up("no node is installed; apt-get install nodejs runs this")
    with subprocess.Popen(
        [node, JUDGE, NPM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Judges(process)
        process.terminate()


@dataclass
class Shop:
    """A relying party in one page of the browser."""

    key_browser: KeyBrowser
    page: Any
    judges: Judges
    origin: str = SITE
    rp_id: str = RP_ID
    challenges: int = 0

    def creation(self, **changes: Any) -> dict[str, Any]:
        return {
            "challenge": self._challenge(),
            "rp": {"name": "Shop", "id": self.rp_id},
            "user": {"id": "YWxpY2U", "name": "alice", "displayName": "Alice"},
            "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in ALGORITHMS],
            **changes,
        }

    def request(self, made: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        listed = []
        if made is not None:
            told = made["response"]["transports"]
            listed = [{"type": "public-key", "id": made["id"], "transports": told}]
        asked = {"challenge": self._challenge(), "rpId": self.rp_id, "allowCredentials": listed}
        return {**asked, **changes}

    def register(self, **changes: Any) -> tuple[dict[str, Any], Verdict]:
        """Register, judge; the page's answer and the verdict."""
        options = self.creation(**changes)
        told = self.page.evaluate("register", options)
        assert "answer" in told, told
        answer = told["answer"]
        verdict = self.judges.registration(options, answer, origin=self.origin, rp_id=self.rp_id)
        return answer, verdict

    def sign_in(self, made: dict[str, Any], *, listed: bool = True, **changes: Any) -> Any:
        """Sign in, judge; the page's answer and the verdict."""
        options = self.request(made if listed else None, **changes)
        told = self.page.evaluate("signIn", options)
        assert "answer" in told, told
        verdict = self.judges.assertion(
            options, told["answer"], made, origin=self.origin, rp_id=self.rp_id
        )
        return told["answer"], verdict

    def refused(self, act: str, options: dict[str, Any]) -> str:
        """The name of the error that the page gets."""
        told = self.page.evaluate(act, options)
        assert "error" in told, told
        return str(told["error"])

    def begin(self, act: str, options: dict[str, Any]) -> None:
        """Begin a ceremony that goes on while the test does."""
        self.page.evaluate("([act, options]) => { begin(act, options) }", [act, options])

    def outcome(self) -> dict[str, Any]:
        """What became of it; a page with a strict policy can be asked, too."""
        self.key_browser.wait_for(lambda: self.page.evaluate("window.answer") is not None)
        told: dict[str, Any] = self.page.evaluate("window.answer")
        self.page.evaluate("() => { window.answer = undefined }")
        return told

    def _challenge(self) -> str:
        self.challenges += 1
        return websafe_encode(f"challenge {self.challenges:6}".encode())


@pytest.fixture
def shop(key_browser: KeyBrowser, judges: Judges) -> Shop:
    page = key_browser.new_page()
    page.goto(SITE)
    return Shop(key_browser, page, judges)


@pytest.fixture
def open_shop(key_browser: KeyBrowser, judges: Judges) -> Callable[..., Shop]:
    """Another page of a site: `open_shop("https://login.shop.test", context=...)`."""

    def open_it(url: str = SITE, *, context: Any = None, **about: Any) -> Shop:
        page = (context or key_browser).new_page()
        page.goto(url)
        return Shop(key_browser, page, judges, **about)

    return open_it


@pytest.fixture
def use_key(key_browser: KeyBrowser) -> Callable[..., Any]:
    """The person takes another key, whose PIN they know."""

    def use(model: str = "ctap-2.1-pin", *, pin: str | None = None, **words: Any) -> Any:
        key_browser.key = key_browser.add_key(model, pin=pin, **words)
        key_browser.pin = pin
        return key_browser.key

    return use
