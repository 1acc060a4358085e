"""The step vocabulary: what people and things can do in a scenario.

Each step is a typed model whose `perform` does it, so a YAML file and a Python call are the same
step. `VOCABULARY` maps the verbs to the models; `AnyStep` is their tagged union.
"""

from typing import Annotated, get_args

from pydantic import Field

from mfalab.simulator.steps import (
    account,
    attacks,
    enrolment,
    faults,
    lifecycle,
    listings,
    measuring,
    routines,
    security_keys,
    sessions,
    sign_in,
    timing,
)
from mfalab.simulator.steps.base import Step

AnyStep = Annotated[
    enrolment.Create
    | enrolment.Enable
    | enrolment.Resync
    | enrolment.Deactivate
    | enrolment.Delete
    | enrolment.Tag
    | enrolment.Untag
    | account.DeleteUser
    | sign_in.SignIn
    | sign_in.TryAgain
    | sign_in.ResendSms
    | sign_in.TypeMailCode
    | sign_in.ChangePassword
    | sign_in.SignOut
    | sign_in.Recover
    | routines.Routine
    | sessions.GetSession
    | sessions.AssumeRole
    | sessions.GetFederationToken
    | sessions.AssumeRoot
    | sessions.Request
    | sessions.WhoAmI
    | sessions.CheckMfa
    | listings.ListDevices
    | listings.ListConsoleDevices
    | listings.ListVirtualDevices
    | listings.ListUsers
    | listings.ListTags
    | listings.DescribeDevice
    | account.AccountSummary
    | account.CredentialReport
    | lifecycle.Lose
    | lifecycle.Find
    | lifecycle.Borrow
    | lifecycle.GiveBack
    | lifecycle.Break
    | lifecycle.Replace
    | lifecycle.Clone
    | lifecycle.BackUp
    | lifecycle.Restore
    | lifecycle.SwitchPhone
    | lifecycle.ChangeNumber
    | timing.Wait
    | timing.Travel
    | timing.SetClock
    | timing.SetVerifierClock
    | attacks.Guess
    | attacks.Replay
    | attacks.Race
    | faults.Inject
    | faults.NextSms
    | account.UpdateRootPhone
    | faults.ChangeVerifier
    | measuring.Measure
    | security_keys.SetPin
    | security_keys.TypePin
    | security_keys.ResetKey
    | security_keys.AddFinger
    | security_keys.RegisterU2f
    | security_keys.StorePasskeys
    | security_keys.KeyPower
    | security_keys.KeyFault
    | security_keys.WireFault
    | security_keys.CheckKey,
    Field(discriminator="do"),
]
"""A step of any kind, told apart by `do`."""


def _verb(model: type[Step]) -> str:
    (verb,) = get_args(model.model_fields["do"].annotation)
    return str(verb)


VOCABULARY: dict[str, type[Step]] = {
    _verb(model): model for model in get_args(get_args(AnyStep)[0])
}
"""The models by their verbs."""
