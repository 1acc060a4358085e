"""The environment of one case: who and what is there, and how it is found."""

from collections.abc import Callable
from typing import Any

import pytest

from mfalab import Lab, ScenarioError
from mfalab.simulator.environment.environment import Environment
from mfalab.simulator.environment.outcome import Prevented
from mfalab.simulator.language.setting import Setting
from mfalab.simulator.targets.embedded import EMBEDDED
from mfalab.verifier import MemoryStore, Verifier

Labs = Callable[..., Lab]
S = 10**9


def environment(**setting: Any) -> Environment:
    return Environment(Setting.model_validate(setting), system=EMBEDDED)


def test_person_is_known_to_the_account_as_their_role_says() -> None:
    roles = ("user", "administrator", "root", "stranger")
    env = environment(people={role: {"role": role} for role in roles})
    identities = {name: person.identity_id for name, person in env.people.items()}
    assert identities["root"] == env.accounts["main"].id
    assert identities["stranger"] is None
    assert len(set(identities.values())) == 4
    assert env.person("stranger").keys is None
    assert env.accounts["main"].root_email == "root@main.example"


def test_account_is_as_its_specification_says() -> None:
    env = environment(accounts={"other": {"id": "123456789012", "partition": "aws-cn"}})
    assert list(env.accounts) == ["main", "other"]
    assert env.accounts["other"].id == "123456789012"
    assert len(env.accounts["main"].id) == 12


def test_role_trusts_people_accounts_and_arns() -> None:
    trusts = ["alice", "other", "arn:aws:iam::210987654321:root"]
    env = environment(
        accounts={"other": {"id": "123456789012"}},
        people={"alice": {}},
        roles={"dev": {"trusts": trusts}},
    )
    assert env.roles["dev"].endswith(":role/dev")


@pytest.mark.parametrize(
    ("find", "why"),
    [
        (lambda env: env.device("fbo"), 'there is no device "fbo"; did you mean "fob"'),
        (lambda env: env.person("zz"), r'there is no person "zz" \(there is alice, bob, ada\)'),
        (lambda env: env.session("x"), r'there is no session "x" \(there is none\)'),
        (lambda env: env.app("fob"), "fob is no authenticator app"),
        (lambda env: env.sms_phone("fob"), "fob is no SMS phone"),
        (lambda env: env.security_key("fob"), "fob is no security key"),
    ],
)
def test_what_is_not_there_is_told(
    lab_with: Labs, find: Callable[[Environment], object], why: str
) -> None:
    with pytest.raises(ScenarioError, match=why):
        find(lab_with("fob"))


def test_key_is_no_device_that_shows_codes(lab_with: Labs) -> None:
    lab = lab_with("key", "app", "sms")
    with pytest.raises(Prevented):
        lab.code_device("key")
    found = [lab.app("app"), lab.sms_phone("sms"), lab.security_key("key")]
    assert [device.name for device in found] == ["app", "sms", "key"]


def test_time_goes_forward_only(lab_with: Labs) -> None:
    lab = lab_with()
    with pytest.raises(ScenarioError, match="true time cannot go back by 5 s"):
        lab.advance(-5 * S)


def test_records_of_the_verifier_are_kept_where_it_is_told() -> None:
    store = MemoryStore()
    first = Environment(
        Setting.model_validate({"people": {"alice": {}}}), store=store, system=EMBEDDED
    )
    assert isinstance(first.target, Verifier)
    assert first.target.store is store


def test_label_of_a_device_says_its_kind(lab_with: Labs) -> None:
    labels = {lane["id"]: lane["label"] for lane in lab_with("fob", "key").lanes()}
    assert labels["fob"] == "fob (hardware totp)"
    assert labels["key"] == "key (security key)"
    assert labels["verifier"] == "aws-immediate"
