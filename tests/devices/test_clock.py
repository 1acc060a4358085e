import inspect

import mfalab.devices.clock
import mfalab.verifier.clock


def test_devices_and_verifier_mean_the_same_by_a_clock() -> None:
    """Neither may import the other, so the shape is written twice."""
    assert inspect.getsource(mfalab.devices.clock) == inspect.getsource(mfalab.verifier.clock)
