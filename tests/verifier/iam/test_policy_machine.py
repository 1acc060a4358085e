"""Any course of operations on groups, policies and attachments, against a model of a few sets."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from mfalab.verifier import MemoryStore, ServiceError

A = "123456789012"
DOCUMENT = (
    '{"Version": "2012-10-17", '
    '"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
)
USERS = ("alice", "bob")
groups = st.sampled_from(["g1", "g2"])
users = st.sampled_from(USERS)
policies = st.sampled_from(["p1", "p2", "p3"])
owners = st.sampled_from([("user", "alice"), ("user", "bob"), ("group", "g1"), ("group", "g2")])
Owner = tuple[str, str]


def arn(policy: str) -> str:
    return f"arn:aws:iam::{A}:policy/{policy}"


class GroupsAndPolicies(RuleBasedStateMachine):
    """What IAM answers is what the sets say."""

    def __init__(self, iam: Any) -> None:
        super().__init__()
        self.iam = iam
        self.groups: set[str] = set()
        self.members: set[tuple[str, str]] = set()
        self.versions: dict[str, set[int]] = {}
        self.last: dict[str, int] = {}
        self.default: dict[str, int] = {}
        self.attached: set[tuple[Owner, str]] = set()
        self.inline: set[Owner] = set()
        self.other = {
            name: {
                each["PolicyArn"]
                for each in self.iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]
            }
            for name in USERS
        }

    def expect(self, refusal: str | None, operation: str, **given: Any) -> None:
        answered: str | None = None
        try:
            getattr(self.iam, operation)(**given)
        except ServiceError as error:
            answered = error.code
        assert answered == refusal, (operation, given)

    def there(self, owner: Owner) -> bool:
        return owner[0] == "user" or owner[1] in self.groups

    @rule(group=groups)
    def create_group(self, group: str) -> None:
        taken = group in self.groups
        self.expect("EntityAlreadyExists" if taken else None, "create_group", GroupName=group)
        self.groups.add(group)

    @rule(group=groups)
    def delete_group(self, group: str) -> None:
        owner = ("group", group)
        used = (
            any(each == group for each, _ in self.members)
            or owner in self.inline
            or any(each == owner for each, _ in self.attached)
        )
        refusal = None if group in self.groups else "NoSuchEntity"
        self.expect("DeleteConflict" if used else refusal, "delete_group", GroupName=group)
        if not used:
            self.groups.discard(group)

    @rule(group=groups, user=users, join=st.booleans())
    def membership(self, group: str, user: str, join: bool) -> None:
        operation = "add_user_to_group" if join else "remove_user_from_group"
        known = group in self.groups
        self.expect(None if known else "NoSuchEntity", operation, GroupName=group, UserName=user)
        if known:
            (self.members.add if join else self.members.discard)((group, user))

    @rule(policy=policies)
    def create_policy(self, policy: str) -> None:
        self.expect(
            "EntityAlreadyExists" if policy in self.versions else None,
            "create_policy",
            PolicyName=policy,
            PolicyDocument=DOCUMENT,
        )
        if policy not in self.versions:
            self.versions[policy], self.last[policy], self.default[policy] = {1}, 1, 1

    @rule(policy=policies, default=st.booleans())
    def create_version(self, policy: str, default: bool) -> None:
        known = policy in self.versions
        full = known and len(self.versions[policy]) == 5
        refusal = "LimitExceeded" if full else None if known else "NoSuchEntity"
        self.expect(
            refusal,
            "create_policy_version",
            PolicyArn=arn(policy),
            PolicyDocument=DOCUMENT,
            SetAsDefault=default,
        )
        if refusal is None:
            self.last[policy] += 1
            self.versions[policy].add(self.last[policy])
            if default:
                self.default[policy] = self.last[policy]

    @rule(policy=policies, number=st.integers(1, 7), remove=st.booleans())
    def change_version(self, policy: str, number: int, remove: bool) -> None:
        known = number in self.versions.get(policy, ())
        kept = known and remove and number == self.default[policy]
        refusal = "DeleteConflict" if kept else None if known else "NoSuchEntity"
        operation = "delete_policy_version" if remove else "set_default_policy_version"
        self.expect(refusal, operation, PolicyArn=arn(policy), VersionId=f"v{number}")
        if refusal is None and remove:
            self.versions[policy].discard(number)
        elif refusal is None:
            self.default[policy] = number

    @rule(policy=policies)
    def delete_policy(self, policy: str) -> None:
        known = policy in self.versions
        used = any(each == policy for _, each in self.attached)
        used = used or (known and len(self.versions[policy]) > 1)
        refusal = "DeleteConflict" if used else None if known else "NoSuchEntity"
        self.expect(refusal, "delete_policy", PolicyArn=arn(policy))
        if refusal is None:
            del self.versions[policy]

    @rule(owner=owners, policy=policies, attach=st.booleans())
    def attachment(self, owner: Owner, policy: str, attach: bool) -> None:
        pair = (owner, policy)
        fine = self.there(owner) and (policy in self.versions if attach else pair in self.attached)
        self.expect(
            None if fine else "NoSuchEntity",
            f"{'attach' if attach else 'detach'}_{owner[0]}_policy",
            PolicyArn=arn(policy),
            **{f"{owner[0].capitalize()}Name": owner[1]},
        )
        if fine:
            (self.attached.add if attach else self.attached.discard)(pair)

    @rule(owner=owners, put=st.booleans())
    def inline_policy(self, owner: Owner, put: bool) -> None:
        fine = self.there(owner) and (put or owner in self.inline)
        more = {"PolicyDocument": DOCUMENT} if put else {}
        self.expect(
            None if fine else "NoSuchEntity",
            f"{'put' if put else 'delete'}_{owner[0]}_policy",
            PolicyName="own",
            **{f"{owner[0].capitalize()}Name": owner[1]},
            **more,
        )
        if fine:
            (self.inline.add if put else self.inline.discard)(owner)

    @invariant()
    def lists_are_the_sets(self) -> None:
        listed = self.iam.list_groups()["Groups"]
        assert {each["GroupName"] for each in listed} == self.groups
        for group in self.groups:
            found = {each["UserName"] for each in self.iam.get_group(GroupName=group)["Users"]}
            assert found == {user for each, user in self.members if each == group}
        for user in USERS:
            found = {
                each["GroupName"] for each in self.iam.list_groups_for_user(UserName=user)["Groups"]
            }
            assert found == {group for group, each in self.members if each == user}
            attached = self.iam.list_attached_user_policies(UserName=user)["AttachedPolicies"]
            assert {each["PolicyArn"] for each in attached} - self.other[user] == {
                arn(policy) for owner, policy in self.attached if owner == ("user", user)
            }

    @invariant()
    def policies_are_the_sets(self) -> None:
        listed = self.iam.list_policies(Scope="Local")["Policies"]
        shown = {each["PolicyName"]: each for each in listed}
        assert shown.keys() == self.versions.keys()
        for policy, entry in shown.items():
            assert entry["DefaultVersionId"] == f"v{self.default[policy]}"
            assert entry["AttachmentCount"] == sum(each == policy for _, each in self.attached)
            versions = self.iam.list_policy_versions(PolicyArn=arn(policy))["Versions"]
            numbers = sorted(self.versions[policy], reverse=True)
            assert [each["VersionId"] for each in versions] == [f"v{each}" for each in numbers]


def test_any_course_of_operations(new_company: Any) -> None:
    run_state_machine_as_test(
        lambda: GroupsAndPolicies(new_company(MemoryStore()).iam("ada")),
        settings=settings(max_examples=25, stateful_step_count=30, derandomize=True),
    )
