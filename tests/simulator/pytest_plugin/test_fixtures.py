"""The fixtures in suites of other projects."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fido2.ctap import CtapError
from fido2.ctap2.base import Ctap2

from mfalab import HardwareToken, LabClock, SecurityKey
from mfalab.devices.ctap.user import absent

pytest_plugins = ["pytester"]
AWAY = ("benchmark", "hypothesispytest", "asyncio", "randomly")
QUICKLY = (*(f"-pno:{name}" for name in AWAY), "--assert=plain")


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess(*QUICKLY, *arguments)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("theirs", "follows"),
    [
        ("return 'a laboratory of ours'", False),
        ("return Lab.of(people={}, start='2030-01-01T00:00:00Z')", False),
        ("return Lab.of(people={'bob': {}}, start='2030-01-01T00:00:00Z')", True),
    ],
)
def test_a_lab_of_theirs_breaks_no_other_fixture(
    pytester: pytest.Pytester, theirs: str, follows: bool
) -> None:
    """`fob` once looked for its fob in whatever was called `lab`."""
    pytester.makeconftest(
        f"import pytest\nfrom mfalab import Lab\n@pytest.fixture\ndef lab():\n    {theirs}\n"
    )
    pytester.makepyfile(
        f"""
        def test_all(fob, totp_app, security_key, clock, verifier, browser):
            assert len(fob.read_code()) == 6
            assert totp_app.accounts == ()
            assert browser.key is security_key
            assert (clock.now().year == 2030) is {follows}
            assert verifier.create_account("123456789012", root_email="a@b.c", root_password="x")
        """
    )
    run(pytester).assert_outcomes(passed=1)


@pytest.mark.slow
def test_seed_of_a_fob_does_not_depend_on_where_pytest_starts(pytester: pytest.Pytester) -> None:
    folder = pytester.mkdir("below")
    (folder / "test_x.py").write_text(
        "class TestFob:\n"
        "    def test_it(self, fob):\n"
        "        print('seed', fob.seed.secret_base32)\n"
    )
    here, there = "--rootdir=.", "--rootdir=below"
    seeds = {
        re.findall(r"seed (\w+)", run(pytester, "-s", *how).stdout.str())[-1]
        for how in (("below", here), ("below", there), ("below/test_x.py", here, "-n0"))
    }
    assert len(seeds) == 1
    other = re.findall(r"seed (\w+)", run(pytester, "-s", "--mfa-seed=2").stdout.str())[-1]
    assert other not in seeds


def test_fobs_are_made_as_wished(
    fob: HardwareToken, make_fob: Callable[..., HardwareToken], clock: LabClock
) -> None:
    fast, slow = make_fob(drift="45 ppm", ageing="0 ppm"), make_fob(drift="-45 ppm", climate="car")
    assert len({fob.serial, fast.serial, slow.serial}) == 3
    clock.advance("400 d")
    true_step = fob.seed.step_at(clock.now_ns())
    assert slow.believed_step < true_step < fast.believed_step


def test_keys_are_made_as_wished_and_share_the_clock(
    make_security_key: Callable[..., SecurityKey], security_key: SecurityKey, clock: LabClock
) -> None:
    other = make_security_key(model="u2f-2016")
    assert other.plugged
    assert other.model != security_key.model
    before_ns = clock.now_ns()
    security_key.user = absent
    with pytest.raises(CtapError, match="USER_ACTION_TIMEOUT"):
        Ctap2(security_key.device()).selection()
    assert clock.now_ns() - before_ns > 10 * 10**9
    assert make_security_key(pin="2468").state.pin_is_set
    assert not security_key.state.pin_is_set


def test_clock_takes_units_and_gives_dates(clock: LabClock) -> None:
    start = clock.now()
    assert start == datetime(2026, 3, 2, 9, tzinfo=UTC)
    clock.advance("400 d")
    clock.advance(timedelta(hours=1))
    clock.advance(10**9)
    assert clock.now() - start == timedelta(days=400, hours=1, seconds=1)
    with pytest.raises(ValueError, match="no unit"):
        clock.advance("90")


@pytest.mark.slow
@pytest.mark.parametrize("owned", [True, False])
def test_browser_of_another_plugin_stays(pytester: pytest.Pytester, owned: bool) -> None:
    """pytest-playwright's `page` is made from its `browser`."""
    pytester.makepyfile(
        their_plugin="""
        import pytest
        @pytest.fixture(scope="session")
        def browser():
            return "theirs"
        @pytest.fixture(scope="session")
        def page(browser):
            return browser
        """,
        test_it=f"""
        from mfalab import Browser
        def test_it(browser, security_key):
            assert {'browser == "theirs"' if owned else "browser.key is security_key"}
            assert Browser(security_key).key is security_key
        """,
    )
    pytester.syspathinsert()
    run(pytester, *(("-p", "their_plugin") if owned else ())).assert_outcomes(passed=1)
