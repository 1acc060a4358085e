"""The fixture `browser`, apart from the others because other plugins have one of that name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mfalab.devices.security_key import SecurityKey
    from mfalab.simulator.keys.browser import Browser


@pytest.fixture
def browser(security_key: SecurityKey) -> Browser:
    """A browser with `security_key` in its port: `browser.create(options)`, `browser.get(options)`.

    It takes and gives WebAuthn JSON. A plugin with a `browser` of its own keeps it; make ours by
    `mfalab.Browser(security_key)` then.
    """
    from mfalab.simulator.keys.browser import Browser

    return Browser(security_key)
