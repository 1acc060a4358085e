# first.scenario.yaml as a Python test, written by `mfalab eject first.scenario.yaml`. From here on
# it is Python: take a loop, a decision or arithmetic where a scenario has none.
#
#   $ pytest test_first.py
"""An authenticator app is enabled, and each code works once

Ejected from first.scenario.yaml; change it as you like. Each call is one step and raises an AssertionError
when the step does not end as it should.
"""

from mfalab import Lab


def test_first(mfa_seed: int) -> None:
    lab = Lab.of(
        seed=mfa_seed,
        case="examples/first",
        people={"alice": {}},
        devices={"app": {"kind": "totp_app", "owner": "alice"}},
    )
    lab.enable(who="alice", device="app")
    lab.wait(for_="1 d")
    lab.sign_in(who="alice", with_="app")
    lab.sign_in(
        who="alice", with_="app", code="last", expect={"refused": "InvalidAuthenticationCode"}
    )
    lab.wait(for_="30 s")
    lab.try_again(
        who="alice", with_="app", code="-9 steps", expect={"refused": "InvalidAuthenticationCode"}
    )
    lab.try_again(who="alice", with_="app")
