"""What in a CTAP message is secret.

Secret are PIN hashes and new PINs, tokens and what is proved with them, keys that the authenticator
hands out (largeBlobKey, the outputs of hmac-secret), the salts that they are made from, and blobs
of the relying party. They are encrypted, most of them, and still have no business in a file
that goes around. Public keys, credential IDs, signatures, hashes of challenges, and names are not.

It is decided by what is known to be harmless: a member without a name here is masked, and so is
what cannot be read, unless the command has no secrets at all. Numbers and truth values are shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mfalab.devices.ctap.commands import AuthDataFlag, Command, ConfigSubcommand
from mfalab.simulator.traces.notation import Item, ItemKind, read_cbor
from mfalab.simulator.traces.vocabulary import shown_as

_ASSERTION: Final = {1, 3, 4, 5, 6}
_PUBLIC_REQUEST: Final = {
    Command.MAKE_CREDENTIAL: {1, 2, 3, 4, 5, 7, 9, 10, 11},
    Command.GET_ASSERTION: {1, 2, 3, 5, 7},
    Command.CLIENT_PIN: {1, 2, 3, 9, 10},
    Command.BIO_ENROLLMENT: {1, 2, 3, 4, 6},
    Command.CREDENTIAL_MANAGEMENT: {1, 2, 3},
    Command.LARGE_BLOBS: {1, 2, 3, 4, 6},
    Command.CONFIG: {1, 2, 3},
}
_PUBLIC_RESPONSE: Final = {
    Command.MAKE_CREDENTIAL: {1, 3, 4},
    Command.GET_ASSERTION: _ASSERTION,
    Command.GET_NEXT_ASSERTION: _ASSERTION,
    Command.CLIENT_PIN: {1, 3, 4, 5},
    Command.BIO_ENROLLMENT: {1, 2, 3, 4, 5, 6, 7, 8},
    Command.CREDENTIAL_MANAGEMENT: {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12},
    Command.LARGE_BLOBS: {1},
}
_WITHOUT_SECRETS: Final = {Command.GET_INFO, Command.RESET, Command.SELECTION}
_PUBLIC_EXTENSIONS: Final = {
    "credProtect",
    "largeBlobKey",
    "minPinLength",
    "pinComplexityPolicy",
    "thirdPartyPayment",
}
_HMAC_SECRET_INPUT: Final = {1, 4}
"""keyAgreement and pinUvAuthProtocol; saltEnc and saltAuth are secret."""
_EXTENSIONS_MEMBER: Final = {Command.MAKE_CREDENTIAL: 6, Command.GET_ASSERTION: 4}
_UNSIGNED_MEMBER: Final = {
    Command.MAKE_CREDENTIAL: 6,
    Command.GET_ASSERTION: 8,
    Command.GET_NEXT_ASSERTION: 8,
}
_AUTH_DATA: Final = 2


class AuthData:
    """The parts of authenticator data that lie in a message. WebAuthn Level 3 section 6.1.

    Args:
        data: the message.
        start: where authenticator data begin.
        end: where they end.

    Attributes:
        rp_id_hash: 32 bytes.
        flags: the flags byte.
        counter: the signature counter.
        aaguid: of attested credential data; empty without.
        credential_id: of attested credential data; empty without.
        public_key: the COSE_Key; None without.
        extensions: the map of extension outputs; None without.
        rest: what is left over and belongs to nothing; None when nothing is.
    """

    def __init__(self, data: bytes, start: int, end: int) -> None:
        part = data[:end]
        self.rp_id_hash = part[start : start + 32]
        self.flags = part[start + 32] if start + 32 < end else 0
        self.counter = int.from_bytes(part[start + 33 : start + 37])
        self.aaguid = self.credential_id = b""
        self.public_key: Item | None = None
        self.extensions: Item | None = None
        at = start + 37
        if self.flags & AuthDataFlag.ATTESTED_CREDENTIAL_DATA:
            self.aaguid = part[at : at + 16]
            size = int.from_bytes(part[at + 16 : at + 18])
            self.credential_id = part[at + 18 : at + 18 + size]
            self.public_key = read_cbor(part, at + 18 + size, whole=False)
            at = self.public_key.end
        if self.flags & AuthDataFlag.EXTENSION_DATA:
            self.extensions = read_cbor(part, at, whole=False)
            at = self.extensions.end
        self.rest = read_cbor(part, at) if at < end else None


def authenticator_data(command: int, tree: Item, payload: bytes) -> tuple[Item, AuthData] | None:
    """The authenticator data in a response, as the item and its parts; None when there are none."""
    if shown_as(command) not in _UNSIGNED_MEMBER:
        return None
    item = tree.get(_AUTH_DATA)
    if item is None or item.kind is not ItemKind.BYTES or item.end - item.body != len(item.value):
        return None
    return item, AuthData(payload, item.body, item.end)


def secret_items(command: int, tree: Item, payload: bytes, *, request: bool) -> list[Item]:
    """The items of a message that are secret: strings, and what cannot be read.

    Args:
        command: the CTAP2 command.
        tree: its CBOR.
        payload: the message that the CBOR lies in.
        request: whether it is a request.
    """
    if command in _WITHOUT_SECRETS:
        return []
    shown = shown_as(command)
    public = (_PUBLIC_REQUEST if request else _PUBLIC_RESPONSE).get(Command(shown), set())
    top = tree.first
    found: list[Item] = list(_strings(tree.children[1])) if tree.is_sequence else []
    if top.kind is not ItemKind.MAP:
        return [*found, *_strings(top)]
    extensions = (_EXTENSIONS_MEMBER if request else _UNSIGNED_MEMBER).get(Command(shown))
    for key, value in top.pairs:
        number = key.value if key.kind is ItemKind.INTEGER else None
        if number is not None and number == extensions:
            found += _in_extensions(value)
        elif not request and number == _AUTH_DATA and Command(shown) in _UNSIGNED_MEMBER:
            found += _in_auth_data(value, payload)
        elif number not in public or (request and _for_vendors(shown, top, number)):
            found += _strings(value)
        else:
            found += [each for each in value.walk() if each.kind is ItemKind.BROKEN]
    if len(top.children) % 2:
        found += _strings(top.children[-1])
    return found


def _for_vendors(command: int, top: Item, number: int | None) -> bool:
    subcommand = top.get(1)
    vendor = subcommand is not None and subcommand.value == ConfigSubcommand.VENDOR_PROTOTYPE
    return command == Command.CONFIG and number == 2 and vendor


def _strings(item: Item) -> Iterator[Item]:
    """All that has bytes of its own in an item."""
    for each in item.walk():
        if each.kind in {ItemKind.BYTES, ItemKind.TEXT, ItemKind.BROKEN} and each.end > each.body:
            yield each


def _in_extensions(extensions: Item) -> Iterator[Item]:
    if extensions.kind is not ItemKind.MAP:
        yield from _strings(extensions)
        return
    for key, value in extensions.pairs:
        if key.value in _PUBLIC_EXTENSIONS:
            yield from (each for each in value.walk() if each.kind is ItemKind.BROKEN)
        elif value.kind is ItemKind.MAP:
            for inner, each in value.pairs:
                if inner.value not in _HMAC_SECRET_INPUT:
                    yield from _strings(each)
            if len(value.children) % 2:
                yield from _strings(value.children[-1])
        else:
            yield from _strings(value)
    if len(extensions.children) % 2:
        yield from _strings(extensions.children[-1])


def _in_auth_data(item: Item, payload: bytes) -> Iterator[Item]:
    if item.kind is not ItemKind.BYTES or item.end - item.body != len(item.value):
        yield from _strings(item)
        return
    parts = AuthData(payload, item.body, item.end)
    if parts.public_key is not None:
        yield from (each for each in parts.public_key.walk() if each.kind is ItemKind.BROKEN)
    if parts.extensions is not None:
        yield from _in_extensions(parts.extensions)
    if parts.rest is not None:
        yield from (each for each in parts.rest.walk() if each.kind is ItemKind.BROKEN)
        yield from _strings(parts.rest)
