"""The embedded verifier, called as boto3 calls AWS: GetSessionToken proves MFA by a code.

The verifier runs in this process, opens no network connection, and takes its time from `now`.

    $ python session_token.py
"""

from mfalab import Timeline
from mfalab.devices.otp.app import AuthenticatorApp
from mfalab.devices.phone import Phone
from mfalab.simulator.entropy import Entropy
from mfalab.verifier import Credentials, MemoryStore, ServiceError, Silence, Verifier

STEP = 30 * 10**9
now = Timeline(start_ns=1_772_442_000 * 10**9)
verifier = Verifier(
    store=MemoryStore(),
    clock=now,
    random_bytes=Entropy(1).random_bytes("verifier"),
    outbox=Silence(),
)
account = verifier.create_account(
    "123456789012", root_email="root@example.com", root_password="a long one"
)
keys = verifier.create_access_key(verifier.create_user(account.id, "alice").id)
iam, sts = verifier.iam(keys), verifier.sts(keys)

# Alice creates a virtual device, scans its QR code, and enables it with two consecutive codes.
device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
serial = device["SerialNumber"]
app = AuthenticatorApp(Phone("phone", clock=now))
label = app.scan(device["QRCodePNG"])
first = app.code(label)
now.advance(STEP)
iam.enable_mfa_device(
    UserName="alice",
    SerialNumber=serial,
    AuthenticationCode1=first,
    AuthenticationCode2=app.code(label),
)
now.advance(STEP)

for code in ("000000", app.code(label)):
    try:
        session = sts.get_session_token(SerialNumber=serial, TokenCode=code)
    except ServiceError as refusal:
        print(f"GetSessionToken: {refusal.code}: {refusal.message}")

# A user who has a device removes it in a session with MFA only.
temporary = Credentials.of(session)
for credentials in (keys, temporary):
    try:
        verifier.iam(credentials).deactivate_mfa_device(UserName="alice", SerialNumber=serial)
    except ServiceError as refusal:
        print(f"DeactivateMFADevice: {refusal.code} ({refusal.status})")
    else:
        print("DeactivateMFADevice: allowed")
