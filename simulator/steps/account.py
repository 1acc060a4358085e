"""Steps about a whole account: its summary and report, its users, root's telephone."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from mfalab.simulator.abilities import Ability
from mfalab.simulator.environment.environment import Environment
from mfalab.simulator.environment.outcome import ExpectationFailed
from mfalab.simulator.language.words import PersonName, SessionName, nearest
from mfalab.simulator.steps.base import Step
from mfalab.simulator.steps.listings import Look
from mfalab.simulator.steps.refusals import SIGNED
from mfalab.verifier import REPORT_COLUMNS, Iam


def _known_column(name: str) -> str:
    if name not in REPORT_COLUMNS:
        known = nearest(name, REPORT_COLUMNS) or f"; it has {', '.join(REPORT_COLUMNS)}"
        raise ValueError(f"a credential report has no column {name!r}{known}")
    return name


ReportColumn = Annotated[str, AfterValidator(_known_column)]
"""A column of a credential report."""


class AccountSummary(Look):
    """Read the account's numbers (IAM GetAccountSummary)."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.API, Ability.ALONE)
    calls: ClassVar[tuple[str, ...]] = ("GetAccountSummary",)
    do: Literal["account_summary"] = "account_summary"
    values: dict[str, int]
    """What these entries of the map are to be."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        summary = self.iam(env).get_account_summary()["SummaryMap"]
        for key, expected in self.values.items():
            if summary.get(key) != expected:
                raise ExpectationFailed(f"{key} {expected}", str(summary.get(key)))
        return summary


class CredentialReport(Look):
    """Read the credential report (IAM GetCredentialReport)."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.API, Ability.ALONE)
    calls: ClassVar[tuple[str, ...]] = ("GenerateCredentialReport", "GetCredentialReport")
    do: Literal["credential_report"] = "credential_report"
    generate: bool = True
    """Whether to ask for a new one first."""
    mfa_active: dict[PersonName, Literal["true", "false"]] = Field(default_factory=dict)
    """What the column mfa_active says for these people, in lower case."""
    columns: dict[PersonName, dict[ReportColumn, str]] = Field(default_factory=dict)
    """What other columns say for these people: {PERSON: {COLUMN: TEXT}}."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        iam = self.iam(env)
        if self.generate:
            iam.generate_credential_report()
        content = iam.get_credential_report()["Content"].decode()
        rows = {row["user"]: row for row in csv.DictReader(io.StringIO(content))}
        for name, column, expected in self._expected():
            person = env.person(name)
            row = rows.get("<root_account>" if person.root else person.user_name, {})
            if row.get(column) != expected:
                raise ExpectationFailed(f"{column} {expected} for {name}", str(row.get(column)))
        return {user: row["mfa_active"] for user, row in rows.items()}

    def _expected(self) -> Iterator[tuple[str, str, str]]:
        for name, active in self.mfa_active.items():
            yield name, "mfa_active", active
        for name, columns in self.columns.items():
            for column, expected in columns.items():
                yield name, column, expected


class DeleteUser(Step):
    """Delete a user (IAM DeleteUser); the console removes by itself what the user has."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.API,)
    calls: ClassVar[tuple[str, ...]] = (
        "DeleteUser",
        "DeleteAccessKey",
        "DeleteLoginProfile",
        "DeleteUserPolicy",
        "DetachUserPolicy",
        "RemoveUserFromGroup",
    )
    do: Literal["delete_user"] = "delete_user"
    who: PersonName
    for_: Annotated[PersonName, Field(alias="for")]
    using: SessionName | None = None
    clear: bool = False
    """Whether to take away the user's policies, groups, access keys and password first, as
    off-boarding scripts do. MFA devices have steps of their own."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        credentials = env.person(self.who).credentials(self.using)
        name = env.person(self.for_).user_name
        if self.using == "console":
            env.target.console.delete_user(credentials, user_name=name)
            return None
        iam = env.target.iam(credentials)
        if self.clear:
            _clear(iam, name)
        iam.delete_user(UserName=name)
        return None


def _clear(iam: Iam, name: str) -> None:
    for attached in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=name, PolicyArn=attached["PolicyArn"])
    for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=policy)
    for group in iam.list_groups_for_user(UserName=name)["Groups"]:
        iam.remove_user_from_group(UserName=name, GroupName=group["GroupName"])
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_login_profile(UserName=name)


class UpdateRootPhone(Step):
    """Change the telephone number on file, as an administrator may."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.CONSOLE, Ability.ROOT)
    meets: ClassVar[frozenset[str]] = SIGNED
    do: Literal["update_root_phone"] = "update_root_phone"
    who: PersonName
    number: Annotated[str, Field(pattern=r"^\+\d{6,15}$")]
    """E.164."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        env.target.console.update_root_phone(
            env.person(self.who).console_credentials(), self.number
        )
        return None
