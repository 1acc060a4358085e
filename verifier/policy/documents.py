"""Policy documents: from text that anyone may have written to statements that can be evaluated."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any

from mfalab.verifier import refusals
from mfalab.verifier.errors import ServiceError
from mfalab.verifier.policy.conditions import Condition, condition
from mfalab.verifier.policy.matching import Actions, Principals, PrincipalType, Resources
from mfalab.verifier.policy.patterns import ARN_FIELDS, Context

MAX_CHARS = 131_072
"""Of a document's text, white space included (iam 2010-05-08, policyDocumentType)."""
VARIABLES_SINCE = "2012-10-17"
_KEPT_DOCUMENTS, _KEPT_CHARS = 1024, 10_240
"""Longer documents than a role's inline policies may be are read each time."""
_KEPT_ACTIONS = 64


class Kind(Enum):
    """What a document is attached to; this decides which elements it has."""

    IDENTITY = "identity"
    """An inline policy of a user, a group or a role."""
    MANAGED = "managed"
    """A managed policy, which needs Version 2012-10-17; a permissions boundary is one, too."""
    SESSION = "session"
    """A session policy."""
    RESOURCE = "resource"
    """A policy of a resource, such as a bucket."""
    TRUST = "trust"
    """A role's trust policy."""

    @property
    def names_principals(self) -> bool:
        """Whether its statements say whom they mean."""
        return self in {Kind.RESOURCE, Kind.TRUST}


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One statement, ready to be asked.

    Attributes:
        sid: its name, if it has one.
        allow: its effect; otherwise it denies.
        conditions: all of them must hold.
    """

    sid: str | None
    allow: bool
    actions: Actions
    not_action: bool
    resources: Resources | None
    not_resource: bool
    principals: Principals | None
    not_principal: bool
    conditions: tuple[Condition, ...]

    @property
    def context_keys(self) -> frozenset[str]:
        """The condition keys that it looks at, as written."""
        keys = self.resources.keys if self.resources else frozenset()
        return keys.union(*(each.keys for each in self.conditions))

    def applies(self, fields: list[str], context: Context) -> bool:
        """Whether it speaks of a request with its action; whose request is another question.

        Args:
            fields: of the resource's ARN.
            context: the request's condition keys.
        """
        if self.resources is not None:
            included = self.resources.include(fields, context)
            if included is None or included is self.not_resource:
                return False
        for each in self.conditions:  # noqa: SIM110 - all() with a generator takes twice as long
            if not each.holds(context):
                return False
        return True


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A policy document."""

    kind: Kind
    statements: tuple[Statement, ...]
    _about: dict[str, tuple[tuple[int, Statement], ...]] = field(default_factory=dict, repr=False)

    def about(self, action: str) -> tuple[tuple[int, Statement], ...]:
        """The statements that name an action, in lower case, with their numbers from 0.

        Most statements are about other actions, and a program asks the same things again and
        again, so the answers for a number of actions are kept.
        """
        found = self._about.get(action)
        if found is None:
            found = tuple(
                (n, each)
                for n, each in enumerate(self.statements)
                if each.actions.include(action) is not each.not_action
            )
            if len(self._about) >= _KEPT_ACTIONS:
                self._about.clear()
            self._about[action] = found
        return found

    @property
    def context_keys(self) -> frozenset[str]:
        """The condition keys that it looks at, as written."""
        return frozenset[str]().union(*(each.context_keys for each in self.statements))


def parse(text: str, kind: Kind, partition: str = "aws") -> Document:
    """A policy document from its text; the same text is read once.

    Args:
        text: JSON.
        kind: what it is attached to.
        partition: of the account; ARNs of another one are refused.

    Raises:
        ServiceError: MalformedPolicyDocument, with the service's text; where that says little, a
            note on the exception names the element.
    """
    if len(text) > MAX_CHARS:
        raise refusals.malformed_policy(
            "Syntax errors in policy.", f"The document has more than {MAX_CHARS} characters."
        )
    if len(text) > _KEPT_CHARS:
        return _Reader(kind, partition).document(_json(text))
    return _compiled(text, kind, partition)


@lru_cache(maxsize=_KEPT_DOCUMENTS)
def _compiled(text: str, kind: Kind, partition: str) -> Document:
    return _Reader(kind, partition).document(_json(text))


def _json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_members, parse_constant=_no_constant)
    except RecursionError:
        raise _syntax("The document is nested too deeply.") from None
    except ServiceError:
        raise
    except ValueError as error:
        raise _syntax(f"The document is not JSON: {error}") from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _syntax("An element is given twice.")
    return found


def _no_constant(name: str) -> Any:
    raise _syntax(f"{name} is not JSON.")


def _syntax(detail: str) -> ServiceError:
    return refusals.malformed_policy("Syntax errors in policy.", detail)


_TOP = {"Version", "Id", "Statement"}
_ELEMENTS = {
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}
_VENDOR = re.compile(r"[A-Za-z0-9.-]+")
_SID = re.compile(r"[0-9A-Za-z]*")
_ACCOUNT = re.compile(r"[0-9]{12}")
_PRINCIPAL_ARN = re.compile(
    r"arn:(?P<partition>[a-z-]+):(?:iam::(?P<account>[0-9]{12}):(?:(?P<root>root)|(?:user|role)/"
    r"[^*?\s]+)|sts::[0-9]{12}:(?:assumed-role/[\w+=,.@-]+/[\w+=,.@-]+"
    r"|federated-user/[\w+=,.@-]+))"
)
_UNIQUE_ID = re.compile(r"A(?:IDA|ROA)[A-Z0-9]{12,124}")
_SERVICE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_PROVIDER = re.compile(
    r"arn:[a-z-]+:iam::[0-9]{12}:(?:saml-provider|oidc-provider)/[\x21-\x7e]+|"
    r"[a-z0-9-]+(?:\.[a-z0-9-]+)+"
)
_TRUST_ACTIONS = {
    "sts:assumerole",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:setcontext",
    "sts:setsourceidentity",
    "sts:tagsession",
}
_IAM_PATHS = (
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
)


class _Reader:
    """Checks in the order in which IAM does, as far as it is known: shape, then values."""

    def __init__(self, kind: Kind, partition: str) -> None:
        self._kind = kind
        self._partition = partition
        self._variables = False

    def document(self, given: Any) -> Document:
        if not isinstance(given, dict):
            raise _syntax("The document is not an object.")
        for name in given.keys() - _TOP:
            raise _syntax(f"There is no element {name}.")
        version = given.get("Version", "2008-10-17")
        if version not in ("2008-10-17", VARIABLES_SINCE):
            raise _syntax("Version is 2012-10-17 or 2008-10-17.")
        if not isinstance(given.get("Id", ""), str):
            raise _syntax("Id is a string.")
        statements = given.get("Statement")
        if isinstance(statements, dict):
            statements = [statements]
        if not isinstance(statements, list) or not statements:
            raise _syntax("Statement is a statement or a list of at least one.")
        for n, statement in enumerate(statements, 1):
            _shape(statement, n)
        self._variables = version == VARIABLES_SINCE
        if self._kind is Kind.MANAGED and not self._variables:
            raise refusals.malformed_policy(
                "Policy document must be version 2012-10-17 or greater."
            )
        self._elements(statements)
        return Document(self._kind, tuple(map(self._statement, statements)))

    def _elements(self, statements: list[dict[str, Any]]) -> None:
        """What must be there, what must not, and what must be given once."""
        for statement in statements:
            if statement["Effect"] not in {"Allow", "Deny"}:
                raise refusals.malformed_policy("The policy failed legacy parsing")
            principal = statement.keys() & {"Principal", "NotPrincipal"}
            if self._kind.names_principals and not principal:
                raise refusals.malformed_policy("Missing required field Principal")
            if principal and not self._kind.names_principals:
                raise refusals.malformed_policy("Policy document should not specify a principal.")
            if self._kind is Kind.TRUST:
                for name in ("Resource", "NotResource"):
                    if name in statement:
                        raise refusals.malformed_policy(f"Has prohibited field {name}")
        sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
        if not self._kind.names_principals and not all(map(_SID.fullmatch, sids)):
            raise refusals.malformed_policy(
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the "
                "regular expression [0-9A-Za-z]*"
            )
        if len(set(sids)) < len(sids):
            raise refusals.malformed_policy(
                "Statement IDs (SID) in a single policy must be unique."
            )
        for statement in statements:
            if not _listed(statement, "Action"):
                raise refusals.malformed_policy("Policy statement must contain actions.")
        if self._kind is not Kind.TRUST:
            for statement in statements:
                if not _listed(statement, "Resource"):
                    raise refusals.malformed_policy("Policy statement must contain resources.")

    def _statement(self, given: dict[str, Any]) -> Statement:
        actions, arns = _listed(given, "Action"), _listed(given, "Resource")
        for arn in arns:
            self._check_resource(arn)
        for action in actions:
            self._check_action(action)
        return Statement(
            sid=given.get("Sid"),
            allow=given["Effect"] == "Allow",
            actions=Actions(actions),
            not_action="NotAction" in given,
            resources=Resources(arns, variables=self._variables) if arns else None,
            not_resource="NotResource" in given,
            principals=self._principals(given) if self._kind.names_principals else None,
            not_principal="NotPrincipal" in given,
            conditions=tuple(self._conditions(given.get("Condition", {}))),
        )

    def _check_action(self, action: str) -> None:
        if action == "*" and self._kind is not Kind.TRUST:
            return
        vendor, *rest = action.split(":")
        if not rest and self._kind is not Kind.TRUST:
            raise refusals.malformed_policy(
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
            )
        if len(rest) > 1:
            raise refusals.malformed_policy("Actions/Condition can contain only one colon.")
        if self._kind is Kind.TRUST and action.lower() not in _TRUST_ACTIONS:
            raise refusals.malformed_policy(
                "AssumeRole policy may only specify STS AssumeRole actions."
            )
        if vendor != "*" and not _VENDOR.fullmatch(vendor):
            raise refusals.malformed_policy(f"Vendor {vendor} is not valid")

    def _check_resource(self, arn: str) -> None:
        if arn == "*":
            return
        if not arn.startswith("arn:"):
            raise refusals.malformed_policy(f'Resource {arn} must be in ARN format or "*".')
        _, partition, *fields = arn.split(":", ARN_FIELDS - 1)
        self._check_partition(partition, arn)
        if not fields or not _VENDOR.fullmatch(fields[0]):
            raise refusals.malformed_policy(
                "Resource vendor must be fully qualified and cannot contain regexes."
            )
        if len(fields) < ARN_FIELDS - 2:
            if "::" in arn:
                raise refusals.malformed_policy(
                    "The policy failed legacy parsing", f"{arn} has not the fields of an ARN."
                )
            return
        vendor, region, _, path = fields
        if vendor == "iam" and region:
            raise refusals.malformed_policy(
                f"IAM resource {arn} cannot contain region information."
            )
        if vendor == "s3" and region not in {"", "*"}:
            raise refusals.malformed_policy(f"Resource {arn} can not contain region information.")
        if vendor == "iam" and path not in {"*", "root"} and not path.startswith(_IAM_PATHS):
            raise refusals.malformed_policy(
                f'IAM resource path must either be "*" or start with {", ".join(_IAM_PATHS)}.'
            )

    def _check_partition(self, partition: str, arn: str) -> None:
        if partition not in {self._partition, "*"}:
            raise refusals.malformed_policy(
                f'Partition "{partition}" is not valid for resource "{arn}".'
            )

    def _principals(self, given: dict[str, Any]) -> Principals:
        named: Any = given.get("Principal", given.get("NotPrincipal"))
        if named == "*":
            if self._kind is Kind.TRUST:
                raise refusals.malformed_policy(
                    'AssumeRolepolicy contained an invalid principal: "STAR":"*".'
                )
            return Principals(None)
        found: dict[PrincipalType, frozenset[str]] = {}
        for key, values in named.items():
            members = _strings(values)
            if key == "CanonicalUser":
                continue  # an Amazon S3 user id, by which no request here is made
            type_ = PrincipalType(key)
            found[type_] = frozenset(self._principal(type_, value) for value in members)
        if not any(map(_strings, named.values())):
            raise refusals.malformed_policy(
                "Invalid principal in policy: com.amazon.balsa.error.InvalidPolicyException: "
                "The passed in policy has a statement with no principals!"
            )
        return Principals(found)

    def _principal(self, type_: PrincipalType, value: str) -> str:
        if type_ is PrincipalType.AWS:
            if value == "*" or _ACCOUNT.fullmatch(value) or _UNIQUE_ID.fullmatch(value):
                return value
            parts = _PRINCIPAL_ARN.fullmatch(value)
            if parts and parts["partition"] == self._partition:
                return parts["account"] if parts["root"] else value
        elif type_ is PrincipalType.SERVICE:
            if _SERVICE.fullmatch(value):
                return value
        elif _PROVIDER.fullmatch(value):
            return value
        else:
            raise refusals.malformed_policy(
                "Federated principals must be valid domain names or SAML metadata ARNs"
            )
        raise refusals.malformed_policy(
            f'Invalid principal in policy: "{type_.value.upper()}":"{value}"'
        )

    def _conditions(self, given: dict[str, Any]) -> Iterable[Condition]:
        for operator, tests in given.items():
            for key, values in tests.items():
                if ":" not in key:
                    raise refusals.malformed_policy(
                        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
                    )
                yield condition(operator, key, _scalars(values), variables=self._variables)


def _shape(given: Any, n: int) -> None:
    """Refuse a statement whose elements are unknown, in conflict, or of a wrong JSON type."""
    where = f"Statement {n}"
    if not isinstance(given, dict):
        raise _syntax(f"{where} is not an object.")
    for name in given.keys() - _ELEMENTS:
        raise _syntax(f"{where}: there is no element {name}.")
    if not isinstance(given.get("Effect"), str) or given["Effect"].lower() not in {"allow", "deny"}:
        raise _syntax(f"{where}: Effect is Allow or Deny.")
    if not isinstance(given.get("Sid", ""), str):
        raise _syntax(f"{where}: Sid is a string.")
    for name in ("Action", "Resource", "Principal"):
        if name in given and f"Not{name}" in given:
            raise _syntax(f"{where}: {name} and Not{name} exclude each other.")
    for name in ("Action", "NotAction", "Resource", "NotResource"):
        if name in given and not _is_strings(given[name]):
            raise _syntax(f"{where}: {name} is a string or a list of strings.")
    for name in ("Principal", "NotPrincipal"):
        if name in given and not _is_principal(given[name]):
            raise _syntax(
                f'{where}: {name} is "*", or an object with AWS, Service, Federated or '
                "CanonicalUser."
            )
    conditions = given.get("Condition", {})
    if not isinstance(conditions, dict):
        raise _syntax(f"{where}: Condition is an object.")
    for operator, tests in conditions.items():
        if not isinstance(tests, dict):
            raise _syntax(f"{where}: {operator} is an object of condition keys.")
        for key, values in tests.items():
            if not all(isinstance(value, str | bool | int | float) for value in _list(values)):
                raise _syntax(f"{where}: {key} has strings, numbers or booleans.")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_strings(value: Any) -> bool:
    return all(isinstance(one, str) for one in _list(value))


def _is_principal(value: Any) -> bool:
    return value == "*" or (
        isinstance(value, dict)
        and value.keys() <= {"AWS", "Service", "Federated", "CanonicalUser"}
        and all(map(_is_strings, value.values()))
    )


def _strings(value: Any) -> list[str]:
    return [str(one) for one in _list(value)]


def _scalars(value: Any) -> list[str]:
    """Values of a condition as text; booleans and numbers as JSON writes them."""
    return [one if isinstance(one, str) else json.dumps(one) for one in _list(value)]


def _listed(statement: dict[str, Any], name: str) -> list[str]:
    """The values of an element or of its negation; empty if there are none."""
    return _strings(statement.get(name, statement.get(f"Not{name}", [])))
