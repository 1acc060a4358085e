"""ASN.1 values as certificates have them: tag, length, content (X.690).

Lengths are definite. DER's other rules are not held against a value: how it is spelt is a matter of
whether it is to be trusted, which is another question than what it says.
"""

from dataclasses import dataclass

BOOLEAN, INTEGER, OCTET_STRING, OID, SEQUENCE, SET = 0x01, 0x02, 0x04, 0x06, 0x30, 0x31


@dataclass(frozen=True, slots=True)
class Value:
    """One value."""

    tag: int
    """The identifier octets as one number: `0x30` for a SEQUENCE, `0xBF8458` for [600]."""
    content: bytes


def value_at(data: bytes, at: int) -> tuple[Value, int]:
    """The value that begins at a byte, and where it ends.

    Raises:
        ValueError: there is none.
    """
    start, end_of_tag = at, at + 1
    if data[at : at + 1] and data[at] & 0x1F == 0x1F:
        while data[end_of_tag : end_of_tag + 1] and data[end_of_tag] & 0x80:
            end_of_tag += 1
        end_of_tag += 1
    if end_of_tag >= len(data):
        raise ValueError(f"an ASN.1 value is cut short at byte {start}")
    length, at = data[end_of_tag], end_of_tag + 1
    if length == 0x80:
        raise ValueError(f"an ASN.1 value has no definite length at byte {start}")
    if length > 0x80:
        count = length & 0x7F
        length, at = int.from_bytes(data[at : at + count], "big"), at + count
    if at + length > len(data):
        raise ValueError(f"an ASN.1 value is cut short at byte {start}")
    tag = int.from_bytes(data[start:end_of_tag], "big")
    return Value(tag, data[at : at + length]), at + length


def values(data: bytes) -> list[Value]:
    """The values that fill the bytes, one after another.

    Raises:
        ValueError: something else is there.
    """
    found, at = [], 0
    while at < len(data):
        value, at = value_at(data, at)
        found.append(value)
    return found


def members(data: bytes, *tags: int) -> list[Value]:
    """The members of a value that fills the bytes; more tags lead further in, by only members.

    Raises:
        ValueError: a value has another tag, or is not alone.
    """
    for tag in tags:
        found = values(data)
        if len(found) != 1 or found[0].tag != tag:
            raise ValueError(f"an ASN.1 value is none with the tag {tag:#x}")
        data = found[0].content
    return values(data)
