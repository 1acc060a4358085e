"""Names of a scenario, and what they are called in an account that others use, too.

On the way out every name that a scenario gives to something gets a prefix of its case, and its
account id becomes the account's; on the way back both are undone. So above the port a scenario has
its own names and texts, and in the account nothing is touched that has another prefix.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NAMES = frozenset({"UserName", "VirtualMFADeviceName", "RoleName", "GroupName", "PolicyName"})
"""Parameters that are the name of something."""
_TEXTS = frozenset(
    {
        "AssumeRolePolicyDocument",
        "CallerArn",
        "Policy",
        "PolicyArn",
        "PolicyDocument",
        "PolicySourceArn",
        "RoleArn",
        "SerialNumber",
        "UserArn",
    }
)
"""Parameters that are an ARN, or have some in them."""
_OPAQUE = frozenset({"Marker", "SessionToken", "SecretAccessKey", "AccessKeyId"})
"""Members of an answer that are handed back as they are."""
_ARN = re.compile(
    r"(arn:[\w-]+:(?:iam|sts)::(?:[0-9]{12}|\*):)"
    r"((?:user|role|group|policy|mfa|sms-mfa|assumed-role)/)([^\"\\,\s]+)"
)


class Names:
    """What a case's things are called in the account.

    Args:
        prefix: stands in front of every name of the case's, and of nothing else.
        account: the account's id.
    """

    def __init__(self, prefix: str, account: str) -> None:
        self.prefix = prefix
        self._account = account
        self._own_account = account
        """The account's id in the scenario."""
        self._serials: dict[str, str] = {}
        """Of hardware tokens, by their serial numbers in the scenario."""

    def call_account(self, account_id: str) -> None:
        """The account's id in the scenario from now on."""
        self._own_account = account_id

    def call_token(self, serial: str) -> str:
        """The serial number that a hardware token has in the account."""
        self._serials[serial] = self.prefix + serial
        return self._serials[serial]

    def parameters(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters of a call as they are sent; what is not given is left out."""
        sent = {key: value for key, value in given.items() if value is not None}
        for key, value in sent.items():
            if key in _NAMES and isinstance(value, str) and value:
                sent[key] = self.prefix + value
            elif key == "SerialNumber" and value in self._serials:
                sent[key] = self._serials[value]
            elif key in _TEXTS and isinstance(value, str):
                sent[key] = self.sent_text(value)
        if not sent.get("Tags", True):
            del sent["Tags"]
        return sent

    def sent_text(self, text: str) -> str:
        """An ARN, or a policy, as it is sent."""
        return self._with_id(_ARN.sub(self._with_prefix, text), self._own_account, self._account)

    def answer(self, value: Any, key: str = "") -> Any:
        """What came back, in the scenario's names; of lists, what is of the case."""
        if isinstance(value, Mapping):
            return {name: self.answer(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [
                self.answer(each) for each in value if key not in _SHARED or self._is_ours(each)
            ]
        return self.text(value) if isinstance(value, str) and key not in _OPAQUE else value

    def text(self, text: str) -> str:
        """A text that came back, in the scenario's names."""
        return self._with_id(text.replace(self.prefix, ""), self._account, self._own_account)

    def _is_ours(self, item: Mapping[str, Any]) -> bool:
        return any(self.prefix in value for value in item.values() if isinstance(value, str))

    def _with_prefix(self, arn: re.Match[str]) -> str:
        begin, kind, path = arn.groups()
        parts = path.split("/")
        # The session of a role is named by who assumes it.
        at = 0 if kind == "assumed-role/" else -1
        if not parts[at].startswith(("*", "?", "${")) and parts[at]:
            parts[at] = self.prefix + parts[at]
        return begin + kind + "/".join(parts)

    @staticmethod
    def _with_id(text: str, old: str, new: str) -> str:
        return re.sub(rf"(?<![0-9]){old}(?![0-9])", new, text)


_SHARED = frozenset({"VirtualMFADevices", "Users", "Roles", "Groups", "Policies"})
"""Lists of all that an account has."""
