# ruff: noqa: N803 - parameters are named as boto3 names them
"""The operations on users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

from mfalab.verifier import quotas, refusals, tags, users
from mfalab.verifier.authorization import Door
from mfalab.verifier.calls import (
    Call,
    Paging,
    find_user,
    on_all,
    on_new_user,
    on_user,
    operation,
    target_of,
    target_user,
)
from mfalab.verifier.iam.caller import ForCaller
from mfalab.verifier.iam.holders import boundary, boundary_entry
from mfalab.verifier.iam.paging import page_by_name, page_of_tags
from mfalab.verifier.records import Identity


class Users(ForCaller):
    """Users of the account."""

    @operation("CreateUser", Door.IAM, on_new_user)
    def create_user(
        self,
        call: Call,
        *,
        UserName: str,
        Path: str | None = None,
        PermissionsBoundary: str | None = None,
        Tags: Sequence[Mapping[str, str]] | None = None,
    ) -> dict[str, Any]:
        """Make a user without password, access keys and permissions."""
        account = call.caller.account
        pairs = tags.added((), Tags or (), quotas.TAGS_PER_USER, "TagsPerUser")
        bounds = None if PermissionsBoundary is None else boundary(call, PermissionsBoundary)
        made = users.create(
            call, account, UserName, path=Path or "/", permissions_boundary=bounds, tags=pairs
        )
        return {"User": users.entry(account, made) | _details(made)}

    @operation("UpdateUser", Door.IAM, on_user)
    def update_user(
        self,
        call: Call,
        *,
        UserName: str,
        NewPath: str | None = None,
        NewUserName: str | None = None,
    ) -> dict[str, Any]:
        """Rename or move a user; it keeps its id, its credentials and its devices.

        The caller needs the permission for the old name and path and for the new ones.
        """
        user = target_user(call, UserName)
        name = NewUserName or user.name
        renamed = replace(user, name=name, name_key=name.lower(), path=NewPath or user.path)
        call.authorize("iam:UpdateUser", target_of(call, renamed), {})
        holder = find_user(call, name)
        if holder is not None and holder.id != user.id:
            raise refusals.user_exists(name)
        call.tx.update(renamed)
        return {}

    @operation("DeleteUser", Door.IAM, on_user)
    def delete_user(self, call: Call, *, UserName: str) -> dict[str, Any]:
        """Delete a user that has nothing any more; the refusal names what is left."""
        user = target_user(call, UserName)
        users.check_nothing_left(call, user)
        users.delete(call, user)
        return {}

    @operation("GetUser", Door.IAM, on_user)
    def get_user(self, call: Call, *, UserName: str | None = None) -> dict[str, Any]:
        """A user, by default the caller."""
        user = target_user(call, UserName)
        return {"User": users.entry(call.caller.account, user) | _details(user)}

    @operation("ListUsers", Door.IAM, on_all("user"))
    def list_users(
        self, call: Call, *, PathPrefix: str | None = None, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """The account's IAM users below a path, by name without case."""
        account = call.caller.account
        found = call.tx.find(Identity, account_id=account.id)
        users_only = (user for user in found if not user.root)
        shown, rest = page_by_name(users_only, PathPrefix, paging)
        return {"Users": [users.entry(account, user) for user in shown], **rest}

    @operation("TagUser", Door.IAM, on_user)
    def tag_user(
        self, call: Call, *, UserName: str, Tags: Sequence[Mapping[str, str]]
    ) -> dict[str, Any]:
        """Add tags to a user; a tag of the same key, whatever its case, is replaced."""
        user = target_user(call, UserName)
        kept = tags.added(user.tags, Tags, quotas.TAGS_PER_USER, "TagsPerUser")
        call.tx.update(replace(user, tags=kept))
        return {}

    @operation("UntagUser", Door.IAM, on_user)
    def untag_user(self, call: Call, *, UserName: str, TagKeys: Sequence[str]) -> dict[str, Any]:
        """Remove tags from a user."""
        user = target_user(call, UserName)
        call.tx.update(replace(user, tags=tags.without(user.tags, TagKeys)))
        return {}

    @operation("ListUserTags", Door.IAM, on_user)
    def list_user_tags(
        self, call: Call, *, UserName: str, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """A user's tags, by key."""
        return page_of_tags(target_user(call, UserName).tags, paging)


def _details(user: Identity) -> dict[str, Any]:
    """What GetUser and CreateUser say of a boundary and of tags, and lists do not."""
    shown = boundary_entry(user.permissions_boundary)
    return shown | {"Tags": tags.shown(user.tags)} if user.tags else shown
