"""Steps about a whole account: its summary and report, its users, root's telephone."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mfalab.simulator.abilities import Ability
from mfalab.simulator.environment.environment import Environment
from mfalab.simulator.environment.outcome import ExpectationFailed
from mfalab.simulator.language.words import PersonName, SessionName
from mfalab.simulator.steps.base import Step
from mfalab.simulator.steps.listings import Look


class AccountSummary(Look):
    """Read the account's numbers (IAM GetAccountSummary)."""

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

    do: Literal["credential_report"] = "credential_report"
    generate: bool = True
    """Whether to ask for a new one first."""
    mfa_active: dict[PersonName, Literal["true", "false"]] = Field(default_factory=dict)
    """What the column mfa_active says for these people, in lower case."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        iam = self.iam(env)
        if self.generate:
            iam.generate_credential_report()
        content = iam.get_credential_report()["Content"].decode()
        header, *rows = (line.split(",") for line in content.split("\n"))
        column = header.index("mfa_active")
        seen = {row[0]: row[column] for row in rows}
        for name, expected in self.mfa_active.items():
            person = env.person(name)
            got = seen.get("<root_account>" if person.root else person.user_name)
            if got != expected:
                raise ExpectationFailed(f"mfa_active {expected} for {name}", str(got))
        return seen


class DeleteUser(Step):
    """Delete a user (IAM DeleteUser)."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.API,)
    do: Literal["delete_user"] = "delete_user"
    who: PersonName
    for_: Annotated[PersonName, Field(alias="for")]
    using: SessionName | None = None

    def perform(self, env: Environment) -> object:
        """See the class."""
        env.verifier.iam(env.person(self.who).credentials(self.using)).delete_user(
            UserName=env.person(self.for_).user_name
        )
        return None


class UpdateRootPhone(Step):
    """Change the telephone number on file, as an administrator may."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.CONSOLE,)
    do: Literal["update_root_phone"] = "update_root_phone"
    who: PersonName
    number: Annotated[str, Field(pattern=r"^\+\d{6,15}$")]
    """E.164."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        env.verifier.console.update_root_phone(
            env.person(self.who).signed_in().credentials, self.number
        )
        return None
