"""What is known of browsers is bounded."""

from mfalab.verifier import Credentials
from mfalab.verifier.web.visits import MOST_FORMS, MOST_SAID, MOST_VISITS, Notice, Visits, Wizard


def visits() -> Visits:
    count = iter(range(10**9))
    return Visits(lambda size: next(count).to_bytes(size, "big"))


def test_visits_of_strangers_do_not_push_out_who_is_signed_in() -> None:
    kept = visits()
    signed_in = kept.begin()
    kept.sign_in(signed_in)
    first = kept.begin()
    for _ in range(MOST_VISITS):
        kept.begin()
    assert kept.find(first.id) is None
    assert kept.find(signed_in.id) is signed_in
    for _ in range(MOST_VISITS):
        kept.sign_in(kept.begin())
    assert kept.find(signed_in.id) is None


def test_visit_that_is_replaced_is_forgotten() -> None:
    kept = visits()
    for sign_in in (False, True):
        visit = kept.begin()
        if sign_in:
            kept.sign_in(visit)
        other = kept.replace(visit)
        assert kept.find(visit.id) is None
        assert kept.find(other.id) is other


def test_visit_that_is_renewed_is_the_same_with_another_cookie() -> None:
    kept = visits()
    for sign_in in (False, True):
        visit = kept.begin()
        if sign_in:
            kept.sign_in(visit)
        before = visit.id
        kept.renew(visit)
        assert kept.find(before) is None
        assert kept.find(visit.id) is visit


def test_what_a_notice_says_is_bounded() -> None:
    visit = visits().begin()
    visit.keep_notice("/", Notice("a" * 10**6, values={"user": "b" * 10**6}))
    (kept,) = visit.notices.values()
    assert (len(kept.text), len(kept.values["user"])) == (MOST_SAID, MOST_SAID)


def test_form_is_spent_once_and_old_ones_are_forgotten() -> None:
    visit = visits().begin()
    for number in range(MOST_FORMS + 1):
        visit.keep_form(str(number))
    assert not visit.spend_form("0")
    assert visit.spend_form("1")
    assert not visit.spend_form("1")
    assert not visit.spend_form("")


def test_wizards_and_notices_are_bounded_and_secrets_not_shown() -> None:
    visit = visits().begin()
    visit.credentials = Credentials("ASIA", "the secret", "the token")
    for number in range(500):
        visit.keep_wizard(str(number), Wizard(None, seed="the seed", qr_png=b"the image"))
        visit.keep_notice(f"/{number}", Notice("", values={"secret": "the key"}))
    assert (len(visit.wizards), len(visit.notices)) == (8, MOST_FORMS)
    assert "the " not in repr(visit)
