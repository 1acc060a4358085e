"""Who may ask the console for what: hosts, methods, forms, replays."""

from typing import Any, NoReturn
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfalab.verifier import StoreUnusable
from mfalab.verifier.web.site import LONGEST_FORM, PAGES
from mfalab.verifier.web.visits import MOST_SAID

ORIGIN = "http://localhost:8765"
SENT = "This form was sent already, or its page is too old. Nothing was changed."
FOREIGN = "The form was not sent by a page of this console."


class TestHost:
    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "localhost",
            "localhost:80",
            "localhost:8765.evil.example",
            "evil@localhost:8765",
            "evil@127.0.0.1:8765",
            "",
        ],
    )
    def test_other_names_get_nothing(self, pages: Any, host: str) -> None:
        """A stranger's name that leads to this machine (DNS rebinding) is none of ours."""
        for method in ("GET", "POST", "HEAD"):
            answer = pages.browser(host=host).send(method, "/console/sign-in")
            assert answer.status == 421
            assert b"http://localhost:8765/console" in answer.body
            assert "set-cookie" not in dict(answer.headers)

    @pytest.mark.parametrize("host", ["127.0.0.1:8765", "[::1]:8765"])
    def test_addresses_lead_to_the_name(self, pages: Any, host: str) -> None:
        answer = pages.browser(host=host).send("GET", "/console/sign-in?account=1")
        assert answer.status == 307
        assert dict(answer.headers)["location"] == f"{ORIGIN}/console/sign-in?account=1"
        assert pages.browser(host=host).send("POST", "/console/sign-in").status == 421

    @pytest.mark.parametrize("path", ["//evil.example/", "@evil.example", ".evil.example", "/"])
    def test_no_path_leads_elsewhere(self, pages: Any, path: str) -> None:
        answer = pages.browser(host="127.0.0.1:8765").send("GET", path)
        assert dict(answer.headers)["location"].startswith(f"{ORIGIN}/console")


class TestForms:
    def test_form_is_accepted_once(self, pages: Any) -> None:
        """The back button, and a page that is sent again."""
        browser = pages.signed_in("bob").get("/console/credentials")
        form = browser.form("Create access key")
        browser.post(form, form.fields)
        assert browser.done.startswith("The access key was created")
        browser.post(form, form.fields)
        assert (browser.status, browser.error) == (403, SENT)
        keys = pages.company.iam("ada").list_access_keys(UserName="bob")
        assert len(keys["AccessKeyMetadata"]) == 2

    @pytest.mark.parametrize(
        "origin",
        ["http://evil.example", "null", "", "http://localhost:8766", "http://127.0.0.1:8765"],
    )
    def test_foreign_origin(self, pages: Any, origin: str) -> None:
        browser = pages.signed_in("bob").get("/console/credentials")
        form = browser.form("Create access key")
        browser.post(form, form.fields, origin=origin)
        assert (browser.status, browser.error) == (403, FOREIGN)
        browser.post(form, form.fields)
        assert browser.done.startswith("The access key was created")

    def test_request_without_origin(self, pages: Any) -> None:
        browser = pages.signed_in("bob").get("/console/credentials")
        form = browser.form("Create access key")
        body = urlencode(form.fields).encode()
        assert browser.send("POST", form.action, body).status == 403

    def test_form_of_another_browser(self, pages: Any) -> None:
        one, other = pages.signed_in("bob"), pages.signed_in("alice")
        form = one.get("/console/credentials").form("Create access key")
        other.post(form, form.fields)
        assert (other.status, other.error) == (403, SENT)

    def test_form_from_before_the_sign_in(self, pages: Any) -> None:
        browser = pages.browser().get("/console/sign-in")
        before = browser.form()
        pages.password("alice", browser)
        fields = {**before.fields, "account": "123456789012", "user": "bob", "password": "bob pw"}
        browser.post(before, fields)
        assert (browser.status, browser.error) == (403, SENT)
        assert "Welcome, alice" in browser.get("/console/home").text

    def test_form_without_a_cookie(self, pages: Any) -> None:
        browser = pages.browser().get("/console/sign-in")
        form = browser.form()
        browser.cookies.clear()
        browser.post(form, form.fields)
        assert (browser.status, browser.error) == (403, SENT)
        assert "/console/sign-in" in browser.page.links

    def test_pages_of_two_tabs(self, pages: Any) -> None:
        """Each tab's page may be sent; a code on the older one is judged for its own sign-in."""
        token = pages.company.enrol()
        browser = pages.password()
        first = browser.form("code")
        second = browser.get("/console/mfa").form("code")
        browser.post(first, {**first.fields, "code": token.wrong_code()})
        browser.post(second, {**second.fields, "code": token.code(1)})
        assert browser.at("/home")

    def test_step_out_of_its_order(self, pages: Any) -> None:
        """What comes later in a flow is refused by a browser that has not come so far."""
        browser = pages.browser().get("/console/sign-in")
        for path in sorted(PAGES):
            if PAGES[path].submit is None or path.startswith(("/sign-in", "/inbox", "/sign-out")):
                continue
            form = browser.get("/console/sign-in").form()
            form.action = f"/console{path}"
            browser.post(form, form.fields)
            assert (browser.status, browser.done) == (200, ""), path
            assert pages.company.everything()["Session"] == []

    def test_password_page_of_an_earlier_sign_in(self, pages: Any) -> None:
        token = pages.company.enrol()
        browser = pages.password()
        form = browser.form("code")
        fields = {**form.fields, "code": token.code(1)}
        browser.post(form, fields)
        assert browser.at("/home")
        browser.post(form, fields)
        assert (browser.status, browser.error) == (403, SENT)
        later = browser.get("/console/password").form()
        later.action = "/console/mfa/code"
        browser.post(later, {**later.fields, "code": token.code(2)})
        assert browser.at("/home")


class TestRequests:
    @pytest.mark.parametrize("path", ["/none", "x", "//", "/static/x"])
    def test_path_that_is_none(self, pages: Any, path: str) -> None:
        assert pages.browser().send("GET", f"/console{path}").status == 404

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE"])
    def test_method_that_is_none(self, pages: Any, method: str) -> None:
        assert pages.browser().send(method, "/console/sign-in").status == 405

    def test_page_that_is_sent_only_is_not_shown(self, pages: Any) -> None:
        assert pages.browser().send("GET", "/console/sign-out").status == 405

    def test_head_is_get_without_a_body(self, pages: Any) -> None:
        answer = pages.browser().send("HEAD", "/console/sign-in")
        assert (answer.status, answer.body) == (200, b"")

    @pytest.mark.parametrize("body", [b"a=%ff", b"&".join([b"a=1"] * 51)])
    def test_form_that_cannot_be_read(self, pages: Any, body: bytes) -> None:
        browser = pages.browser().get("/console/sign-in")
        assert browser.send("POST", "/console/sign-in", body, origin=ORIGIN).status == 400
        assert browser.send("GET", f"/console/sign-in?{body.decode()}").status == 400

    def test_form_that_is_too_long_is_not_kept(self, pages: Any) -> None:
        browser = pages.browser().get("/console/sign-in")
        browser.submit(account="1", user="a" * LONGEST_FORM, password="b")
        assert browser.status == 413
        browser.get("/console/sign-in").submit(account="1", user="a" * 50_000, password="b")
        assert browser.form().fields["user"] == "a" * MOST_SAID

    def test_every_answer_has_the_headers_of_safety(self, pages: Any) -> None:
        browser = pages.signed_in("ada")
        paths = [
            *(f"/console{path}" for path in PAGES),
            "/console/none",
            "/console/static/style.css",
        ]
        for path in paths:
            headers = dict(browser.send("GET", path).headers)
            assert headers["content-security-policy"].startswith("default-src 'none'")
            assert headers["x-frame-options"] == "DENY"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert headers["cache-control"] == "no-store"

    def test_cookie_is_for_the_server_alone(self, pages: Any) -> None:
        answer = pages.browser().send("GET", "/console")
        (cookie,) = [value for name, value in answer.headers if name == "set-cookie"]
        name, _, rest = cookie.partition("=")
        assert name == "mfalab-console-8765"
        assert rest[64:] == "; Path=/console; HttpOnly; SameSite=Lax"

    def test_cookie_that_is_none(self, pages: Any) -> None:
        for cookie in ("mfalab-console-8765=guessed", "=;;=", "a=b; \x00", 'x="'):
            answer = pages.browser().send("GET", "/console/home", cookie=cookie)
            assert answer.status == 303

    def test_records_that_are_not_there(
        self, pages: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        browser = pages.signed_in()

        def gone() -> NoReturn:
            raise StoreUnusable("lab.db", "disk I/O error", "Restore it")

        monkeypatch.setattr(pages.company.store, "transaction", gone)
        answer = browser.send("GET", "/console/credentials")
        assert answer.status == 503
        assert b"lab.db" not in answer.body
        assert "disk I/O error" in caplog.text
        monkeypatch.undo()
        assert browser.get("/console/credentials").at("/credentials")

    def test_defect_is_an_answer_without_details(
        self, pages: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(pages.site, "_answer", lambda request: 1 / 0)
        answer = pages.browser().send("GET", "/console/home?user=x")
        assert answer.status == 500
        assert b"ZeroDivision" not in answer.body
        assert "defect in the answer to GET /console/home" in caplog.text


WORDS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "alice", "ada", "123456789012", "virtual", "fido", "hardware", "sms", "000000",
            "Active", "arn:aws:iam::123456789012:mfa/phone", "GAHT12345678", "{}", "[]", "1" * 400,
            "<script>alert(1)</script>", "\x00", "../..", "//evil.example", "\r\nSet-Cookie: a=b",
        ]
    ),
)  # fmt: skip
FIELDS = (
    "account", "user", "password", "email", "code", "code1", "code2", "kind", "response", "name",
    "serial", "phone", "key", "value", "id", "status", "old", "new", "again", "reset", "first",
    "token", "call", "digits", "confirm",
)  # fmt: skip
POSTED = sorted(path for path, page in PAGES.items() if page.submit is not None)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(POSTED),
            st.dictionaries(st.sampled_from(FIELDS), WORDS, max_size=8),
            st.dictionaries(
                st.sampled_from(["user", "serial", "wizard", "token"]), WORDS, max_size=3
            ),
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["nobody", "second page", "alice", "ada", "root", "recovering"]),
)
@settings(max_examples=60, deadline=None)
def test_no_form_is_a_defect(
    fresh_pages: Any,
    sent: list[tuple[str, dict[str, str], dict[str, str]]],
    who: str,
) -> None:
    """Any fields, to any page, in any order, by whoever: a page or a way to one, and no 500."""
    pages = fresh_pages()
    browser = pages.browser().get("/console/sign-in")
    if who in ("second page", "recovering"):
        pages.company.enrol_root()
        pages.password("root", browser)
        if who == "recovering":
            browser.get("/console/mfa/troubleshoot")
            browser.submit("Sign in using alternative factors")
    elif who != "nobody":
        pages.password(who, browser)
    for path, fields, query in sent:
        form = browser.get("/console/inbox").form()
        form.action = f"/console{path}?{urlencode(query)}"
        browser.post(form, {**form.fields, **fields, "form": form.fields["form"]})
        assert browser.status in (200, 400, 403, 404, 405, 409), (path, browser.status)
        assert not [value for _, value in browser.response.headers if "a=b" in value]
        assert b"<script>alert" not in browser.response.body
    if who not in ("alice", "ada", "root"):
        assert browser.get("/console/home").at("/sign-in")


@given(st.binary(max_size=200), st.binary(max_size=100), st.binary(max_size=60))
@settings(max_examples=60, deadline=None)
def test_no_request_is_a_defect(fresh_pages: Any, body: bytes, query: bytes, cookie: bytes) -> None:
    pages = fresh_pages()
    url = f"/console/sign-in?{query.decode('latin-1')}".split("#")[0]
    for method in ("GET", "POST"):
        answer = pages.browser().send(
            method, url, body, origin=ORIGIN, cookie=cookie.decode("latin-1")
        )
        assert answer.status in (200, 400, 403), answer.status
