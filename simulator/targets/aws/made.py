"""What a case made in an account, and how it is taken away again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mfalab.simulator.environment.target import TargetFailed
from mfalab.simulator.targets.aws.wire import Wire
from mfalab.verifier import ServiceError

_UNDONE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "create_user": ("delete_user", ("UserName",)),
    "create_login_profile": ("delete_login_profile", ("UserName",)),
    "attach_user_policy": ("detach_user_policy", ("UserName", "PolicyArn")),
    "put_user_policy": ("delete_user_policy", ("UserName", "PolicyName")),
    "create_group": ("delete_group", ("GroupName",)),
    "add_user_to_group": ("remove_user_from_group", ("GroupName", "UserName")),
    "attach_group_policy": ("detach_group_policy", ("GroupName", "PolicyArn")),
    "create_role": ("delete_role", ("RoleName",)),
    "attach_role_policy": ("detach_role_policy", ("RoleName", "PolicyArn")),
    "enable_mfa_device": ("deactivate_mfa_device", ("UserName", "SerialNumber")),
}
"""What undoes a call, and which of its parameters that takes."""


@dataclass(slots=True)
class Made:
    """What a case made, in the order in which it was made.

    A call is noted before it is sent: one whose answer never comes may have done its work. One that
    is refused has done none.

    Attributes:
        wire: the account, as its administrator sees it.
        account: the account's id.
        partition: of the account's ARNs.
    """

    wire: Wire
    account: str
    partition: str = "aws"
    _made: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    @contextmanager
    def by(self, method: str, parameters: Mapping[str, Any]) -> Iterator[None]:
        """Around a call of IAM."""
        before = list(self._made)
        undo = self._undo(method, parameters)
        if undo is not None and undo not in self._made:
            self._made.append(undo)
        try:
            yield
        except ServiceError:
            self._made = before
            raise

    def _undo(
        self, method: str, parameters: Mapping[str, Any]
    ) -> tuple[str, Mapping[str, Any]] | None:
        if method in _UNDONE:
            undo, names = _UNDONE[method]
            if all(name in parameters for name in names):
                return undo, {name: parameters[name] for name in names}
        path = parameters.get("Path", "/")
        if method == "create_access_key":
            return "delete_access_key", {"UserName": parameters.get("UserName")}
        if method == "create_policy":
            return "delete_policy", {
                "PolicyArn": self._arn("policy", path, parameters, "PolicyName")
            }
        if method == "create_virtual_mfa_device":
            serial = self._arn("mfa", path, parameters, "VirtualMFADeviceName")
            return "delete_virtual_mfa_device", {"SerialNumber": serial}
        return None

    def _arn(self, kind: str, path: str, parameters: Mapping[str, Any], name: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:{kind}{path}{parameters.get(name)}"

    def remove(self) -> None:
        """Take everything away, the newest first.

        Raises:
            TargetFailed: something could not be removed; all of it is listed.
        """
        made, self._made = self._made, []
        left, gone, conflict = self._remove(made)
        if conflict and not gone:
            # What was under way when the run was interrupted may be done only by now.
            left, gone, _ = self._remove(made)
        if left:
            because = f"; {gone}" if gone else ""
            raise (type(gone) if gone else TargetFailed)(
                f"could not be removed from account {self.account}: {', '.join(left)}{because}"
            )

    def _remove(
        self, made: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> tuple[list[str], TargetFailed | None, bool]:
        """What is left, why the endpoint is asked no more, and whether one thing needs another."""
        left: list[str] = []
        gone: TargetFailed | None = None
        conflict = False
        for method, parameters in reversed(made):
            what = f"{method.partition('_')[2].replace('_', ' ')} {' '.join(parameters.values())}"
            if gone:
                left.append(what)
                continue
            try:
                self._call(method, parameters)
            except ServiceError as refusal:
                conflict |= refusal.code == "DeleteConflict"
                left.append(f"{what} ({refusal})")
            except TargetFailed as failure:
                gone = failure
                left.append(what)
            except KeyboardInterrupt:
                gone = TargetFailed("it was interrupted")
                left.append(what)
        return left, gone, conflict

    def _call(self, method: str, parameters: Mapping[str, Any]) -> None:
        if method == "delete_access_key":  # whose id only an answer told
            listed = self._unless_gone("list_access_keys", parameters) or {}
            for key in listed.get("AccessKeyMetadata", []):
                self._unless_gone(method, {**parameters, "AccessKeyId": key["AccessKeyId"]})
        else:
            self._unless_gone(method, parameters)

    def _unless_gone(self, method: str, parameters: Mapping[str, Any]) -> Any:
        try:
            return self.wire.call("iam", method, parameters)
        except ServiceError as refusal:
            if refusal.code != "NoSuchEntity":
                raise
            return None
