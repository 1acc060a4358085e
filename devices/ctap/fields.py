"""Reading a request: members of CBOR maps by key and type, with CTAP's codes for what is wrong."""

from typing import Any, TypeVar

from mfalab.devices.ctap.status import CtapError, CtapStatus

_T = TypeVar("_T")


class Members:
    """A CBOR map of a request; unknown members are ignored by never being asked for.

    Raises:
        CtapError: CBOR_UNEXPECTED_TYPE when it is no map.
    """

    __slots__ = ("_members", "_what")

    def __init__(self, members: Any, what: str = "the request") -> None:
        if not isinstance(members, dict):
            raise CtapError(CtapStatus.CBOR_UNEXPECTED_TYPE, f"{what} is not a map")
        self._members = members
        self._what = what

    def __contains__(self, key: int | str) -> bool:
        return key in self._members

    def optional(self, key: int | str, kind: type[_T]) -> _T | None:
        """The member, or None when it is absent.

        Raises:
            CtapError: CBOR_UNEXPECTED_TYPE.
        """
        if key not in self._members:
            return None
        value = self._members[key]
        # To Python, True is an integer; to CBOR, it is not.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            why = f"member {key!r} of {self._what} is {type(value).__name__}, not {kind.__name__}"
            raise CtapError(CtapStatus.CBOR_UNEXPECTED_TYPE, why)
        return value

    def required(self, key: int | str, kind: type[_T]) -> _T:
        """The member.

        Raises:
            CtapError: MISSING_PARAMETER, CBOR_UNEXPECTED_TYPE.
        """
        value = self.optional(key, kind)
        if value is None:
            raise CtapError(CtapStatus.MISSING_PARAMETER, f"{self._what} lacks member {key!r}")
        return value

    def unsigned(self, key: int | str) -> int | None:
        """A whole number from 0 up, or None when it is absent.

        Raises:
            CtapError: CBOR_UNEXPECTED_TYPE.
        """
        value = self.optional(key, int)
        if value is not None and value < 0:
            why = f"member {key!r} of {self._what} is {value}"
            raise CtapError(CtapStatus.CBOR_UNEXPECTED_TYPE, why)
        return value

    def raw(self) -> dict[Any, Any]:
        """All members."""
        return self._members


def public_key_descriptors(members: Members, key: int, limit: int) -> list[bytes]:
    """The credential IDs of an allow or exclude list; empty when there is none.

    Raises:
        CtapError: CBOR_UNEXPECTED_TYPE, MISSING_PARAMETER, or LIMIT_EXCEEDED for a list that is
            longer than getInfo allows.
    """
    entries = members.optional(key, list) or []
    ids = []
    for entry in entries:
        descriptor = Members(entry, "a credential descriptor")
        kind = descriptor.required("type", str)
        credential_id = descriptor.required("id", bytes)
        if kind == "public-key":
            ids.append(credential_id)
    if len(entries) > limit:
        raise CtapError(CtapStatus.LIMIT_EXCEEDED, f"{len(entries)} credentials, {limit} are taken")
    return ids
