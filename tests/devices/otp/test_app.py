import pytest

from mfalab.devices.errors import (
    DeviceUnusable,
    NotOffered,
    ProvisioningError,
    UnknownAccount,
    Unusable,
)
from mfalab.devices.otp.app import AuthenticatorApp
from mfalab.devices.otp.qr import write_qr
from mfalab.devices.otp.quirks import APP_PRESETS, AppQuirks
from mfalab.devices.phone import Phone
from support.clocks import SetClock

S = 1_000_000_000
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
OTHER = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U"
ALICE = f"otpauth://totp/AWS:alice@123456789012?secret={SECRET}&issuer=AWS"
BOB = f"otpauth://totp/AWS:bob@123456789012?secret={OTHER}&issuer=AWS"
COUNTED = f"otpauth://hotp/VPN:alice?secret={SECRET}&issuer=VPN&counter=0"
FANCY = f"otpauth://totp/X:x?secret={SECRET}&algorithm=SHA256&digits=8&period=60"


class Battery:
    full = True

    def alive(self) -> bool:
        return self.full


@pytest.fixture
def clock() -> SetClock:
    return SetClock(s=30)


@pytest.fixture
def phone(clock: SetClock) -> Phone:
    return Phone("alice's phone", clock)


@pytest.fixture
def app(phone: Phone) -> AuthenticatorApp:
    return AuthenticatorApp(phone)


def second_app(clock: SetClock, quirks: AppQuirks | None = None) -> AuthenticatorApp:
    return AuthenticatorApp(Phone("second phone", clock), quirks)


def test_one_app_holds_several_accounts(app: AuthenticatorApp) -> None:
    assert app.accounts == ()
    assert app.add(ALICE) == "AWS:alice@123456789012"
    app.add(BOB)
    assert app.accounts == ("AWS:alice@123456789012", "AWS:bob@123456789012")
    assert app.code("AWS:alice@123456789012") == "287082"
    assert app.code("bob@123456789012") != "287082"


def test_code_follows_the_phones_clock(app: AuthenticatorApp, clock: SetClock) -> None:
    label = app.add(ALICE)
    clock.now_s = 60
    assert app.believed_step(label) == 2
    assert app.code(label) == "359152"
    assert app.code_at(label, -1) == "287082"
    assert app.code_at(label, 1) == "969429"
    clock.now_s = 65
    assert app.until_next_code_ns(label) == 25 * S


def test_account_is_scanned_from_a_picture(app: AuthenticatorApp) -> None:
    label = app.scan(write_qr(ALICE))
    assert app.code(label) == "287082"


def test_picture_of_something_else_is_refused(app: AuthenticatorApp) -> None:
    with pytest.raises(ProvisioningError, match='scheme: it is "https"'):
        app.scan(write_qr("https://example.com"))
    assert app.accounts == ()


def test_account_is_exported_as_uri_and_picture(app: AuthenticatorApp, clock: SetClock) -> None:
    label = app.add(ALICE)
    assert app.export(label) == ALICE
    other = second_app(clock)
    other.scan(write_qr(app.export(label)))
    assert other.code(label) == app.code(label)


def test_unknown_account_is_named_with_those_held(app: AuthenticatorApp) -> None:
    app.add(ALICE)
    with pytest.raises(UnknownAccount) as caught:
        app.code("carol")
    assert str(caught.value) == (
        'alice\'s phone holds no account "carol" (it holds: "AWS:alice@123456789012"). '
        "Add the account, or restore a backup that has it."
    )


def test_account_name_of_two_issuers_must_be_told_apart(app: AuthenticatorApp) -> None:
    app.add(f"otpauth://totp/A:alice?secret={SECRET}")
    app.add(f"otpauth://totp/B:alice?secret={OTHER}")
    with pytest.raises(UnknownAccount, match='Name one: "A:alice" and "B:alice"'):
        app.code("alice")
    assert app.code("A:alice") == "287082"


def test_removed_account_is_gone(app: AuthenticatorApp) -> None:
    label = app.add(ALICE)
    app.remove(label)
    assert app.accounts == ()
    with pytest.raises(UnknownAccount):
        app.code(label)


def test_enrolling_again_replaces_the_account(app: AuthenticatorApp) -> None:
    app.add(ALICE)
    app.add(ALICE.replace(SECRET, OTHER))
    assert len(app.accounts) == 1
    assert app.code("alice@123456789012") != "287082"


def test_event_based_account_moves_on_request_only(app: AuthenticatorApp) -> None:
    label = app.add(COUNTED)
    assert app.code_at(label, 0) == app.code_at(label, 0) == "755224"
    assert app.code(label) == "755224"
    assert app.code(label) == "287082"
    assert app.believed_step(label) == 2
    with pytest.raises(ValueError, match="event-based"):
        app.until_next_code_ns(label)


def test_faithful_app_obeys_all_parameters(app: AuthenticatorApp, clock: SetClock) -> None:
    app.add(FANCY)
    clock.now_s = 59
    assert app.believed_step("x") == 0
    assert len(app.code("x")) == 8


@pytest.mark.parametrize(
    ("quirk", "digits", "step"),
    [("ignores_digits", 6, 1), ("ignores_period", 8, 2), ("ignores_algorithm", 8, 1)],
)
def test_app_that_ignores_a_parameter_shows_wrong_codes_without_a_word(
    phone: Phone, clock: SetClock, quirk: str, digits: int, step: int
) -> None:
    faithful, odd = second_app(clock), AuthenticatorApp(phone, AppQuirks(**{quirk: True}))
    clock.now_s = 89
    for app in (faithful, odd):
        app.add(FANCY)
    assert len(odd.code("x")) == digits
    assert odd.believed_step("x") == step
    assert odd.code("x") != faithful.code("x")


def test_app_that_ignores_everything_behaves_like_the_defaults(phone: Phone) -> None:
    app = AuthenticatorApp(phone, APP_PRESETS["ignores-parameters"])
    app.add(FANCY)
    assert app.code("x") == "287082"
    assert app.export("x") == f"otpauth://totp/X:x?secret={SECRET}&issuer=X"


@pytest.mark.parametrize(
    ("preset", "secret", "sentence"),
    [
        ("160-bit-store", "ABCDEFGH" * 8, "has 40 bytes and this app stores 20 at most"),
        ("refuses-short-secrets", "JBSWY3DPEHPK3PXP", "has 10 bytes and this app takes 14"),
    ],
)
def test_secrets_of_the_wrong_length_are_refused(
    phone: Phone, preset: str, secret: str, sentence: str
) -> None:
    app = AuthenticatorApp(phone, APP_PRESETS[preset])
    with pytest.raises(ProvisioningError, match=sentence):
        app.add(ALICE.replace(SECRET, secret))
    assert app.accounts == ()
    app.add(ALICE)


def test_backup_outlives_the_phone(app: AuthenticatorApp, clock: SetClock) -> None:
    app.add(ALICE)
    app.add(BOB)
    backup = app.backup()
    code = app.code("alice@123456789012")
    app.phone.break_()
    replacement = second_app(clock)
    replacement.restore(backup)
    assert replacement.accounts == backup.labels
    assert replacement.code("alice@123456789012") == code
    assert backup.made_ns == 30 * S


def test_backup_shows_no_secrets(app: AuthenticatorApp) -> None:
    app.add(ALICE)
    assert "alice" not in repr(app.backup())
    assert "1234567890" not in repr(app.backup())


def test_restored_event_counter_is_that_of_the_backup(
    app: AuthenticatorApp, clock: SetClock
) -> None:
    label = app.add(COUNTED)
    backup = app.backup()
    assert app.code(label) == "755224"
    replacement = second_app(clock)
    replacement.restore(backup)
    assert replacement.code(label) == "755224"


def test_restoring_keeps_accounts_that_the_backup_lacks(
    app: AuthenticatorApp, clock: SetClock
) -> None:
    app.add(ALICE)
    other = second_app(clock)
    other.add(BOB)
    other.restore(app.backup())
    assert len(other.accounts) == 2


def test_app_without_backup_says_so(phone: Phone, clock: SetClock) -> None:
    app = AuthenticatorApp(phone, APP_PRESETS["no-backup"])
    label = app.add(ALICE)
    with pytest.raises(NotOffered, match="does not offer backup"):
        app.backup()
    with pytest.raises(NotOffered, match="does not offer backup"):
        app.restore(second_app(clock).backup())
    with pytest.raises(NotOffered, match="does not offer export"):
        app.export(label)


def test_clone_shows_the_same_codes_until_event_counters_part(
    app: AuthenticatorApp, clock: SetClock
) -> None:
    timed, counted = app.add(ALICE), app.add(COUNTED)
    clone = second_app(clock)
    app.clone_to(clone)
    assert clone.code(timed) == app.code(timed)
    assert clone.code(counted) == app.code(counted) == "755224"
    assert app.code(counted) == "287082"
    assert clone.believed_step(counted) == 1


def test_broken_phone_takes_its_app_with_it(app: AuthenticatorApp, clock: SetClock) -> None:
    label = app.add(ALICE)
    backup = app.backup()
    app.phone.break_()
    for attempt in (
        lambda: app.accounts,
        lambda: app.code(label),
        lambda: app.code_at(label, 0),
        lambda: app.add(BOB),
        lambda: app.scan(b""),
        lambda: app.export(label),
        lambda: app.remove(label),
        app.backup,
        lambda: app.restore(backup),
        lambda: app.clone_to(second_app(clock)),
        lambda: second_app(clock).clone_to(app),
    ):
        with pytest.raises(DeviceUnusable, match="alice's phone is broken") as caught:
            attempt()
        assert caught.value.reason is Unusable.BROKEN


def test_phone_switched_off_or_empty_shows_nothing(clock: SetClock) -> None:
    battery = Battery()
    phone = Phone("phone", clock, battery)
    app = AuthenticatorApp(phone)
    label = app.add(ALICE)
    phone.switch_off()
    with pytest.raises(DeviceUnusable, match=r"phone is switched off\. Switch it on\."):
        app.code(label)
    phone.switch_on()
    assert app.code(label) == "287082"
    battery.full = False
    with pytest.raises(DeviceUnusable, match=r"dead battery\. Charge it\."):
        app.code(label)


def test_app_can_have_a_name_of_its_own(phone: Phone) -> None:
    app = AuthenticatorApp(phone, name="work app")
    with pytest.raises(UnknownAccount, match="work app holds no account"):
        app.code("alice")
