"""A simulator and test harness for multi-factor authentication.

`Lab` plays stories with people, devices and a verifier. The devices and the verifier are also used
alone. The names are imported when they are first used, because our pytest plugin passes through
here in every test run where mfalab is installed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mfalab.devices.otp.app import AuthenticatorApp as AuthenticatorApp
    from mfalab.devices.otp.token import HardwareToken as HardwareToken
    from mfalab.devices.security_key import SecurityKey as SecurityKey
    from mfalab.simulator.bridge.key_browser import KeyBrowser as KeyBrowser
    from mfalab.simulator.clocks.timeline import Timeline as Timeline
    from mfalab.simulator.entropy import Entropy as Entropy
    from mfalab.simulator.environment.lab_clock import LabClock as LabClock
    from mfalab.simulator.environment.live_app import LiveApp as LiveApp
    from mfalab.simulator.environment.outcome import ExpectationFailed as ExpectationFailed
    from mfalab.simulator.environment.outcome import Outcome as Outcome
    from mfalab.simulator.environment.outcome import ScenarioError as ScenarioError
    from mfalab.simulator.keys.browser import Browser as Browser
    from mfalab.simulator.keys.webauthn_client import DOMException as DOMException
    from mfalab.simulator.lab import Lab as Lab
    from mfalab.simulator.targets.otp.verifier import Capabilities as Capabilities
    from mfalab.simulator.targets.otp.verifier import OtpVerifier as OtpVerifier
    from mfalab.simulator.targets.otp.verifier import Verdict as Verdict
    from mfalab.verifier import MemoryStore as MemoryStore
    from mfalab.verifier import ServiceError as ServiceError
    from mfalab.verifier import Verifier as Verifier

_HOMES = {
    "AuthenticatorApp": "devices.otp.app",
    "Browser": "simulator.keys.browser",
    "Capabilities": "simulator.targets.otp.verifier",
    "DOMException": "simulator.keys.webauthn_client",
    "Entropy": "simulator.entropy",
    "ExpectationFailed": "simulator.environment.outcome",
    "HardwareToken": "devices.otp.token",
    "KeyBrowser": "simulator.bridge.key_browser",
    "Lab": "simulator.lab",
    "LabClock": "simulator.environment.lab_clock",
    "LiveApp": "simulator.environment.live_app",
    "MemoryStore": "verifier",
    "OtpVerifier": "simulator.targets.otp.verifier",
    "Outcome": "simulator.environment.outcome",
    "ScenarioError": "simulator.environment.outcome",
    "SecurityKey": "devices.security_key",
    "ServiceError": "verifier",
    "Timeline": "simulator.clocks.timeline",
    "Verdict": "simulator.targets.otp.verifier",
    "Verifier": "verifier",
}
__all__ = [
    "AuthenticatorApp",
    "Browser",
    "Capabilities",
    "DOMException",
    "Entropy",
    "ExpectationFailed",
    "HardwareToken",
    "KeyBrowser",
    "Lab",
    "LabClock",
    "LiveApp",
    "MemoryStore",
    "OtpVerifier",
    "Outcome",
    "ScenarioError",
    "SecurityKey",
    "ServiceError",
    "Timeline",
    "Verdict",
    "Verifier",
]


def __getattr__(name: str) -> Any:
    """A public name, imported from its home, or `__version__`."""
    if name == "__version__":
        from importlib.metadata import version

        return version("mfalab")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "__version__"])
