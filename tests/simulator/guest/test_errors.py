"""What can go wrong with a guest, in sentences."""

import pytest

from mfalab.simulator.guest.errors import GuestDied, GuestError, GuestNotReady, GuestTooSlow


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (GuestNotReady("It needs busybox.", "Install it."), "It needs busybox. Install it."),
        (GuestDied("Kernel panic\n"), "Its console said last: Kernel panic"),
        (GuestDied(" \n"), "Its console said last: nothing"),
        (GuestTooSlow(90.0, b"out"), "did not end within 90 s, boot included"),
    ],
)
def test_each_says_what_happened_and_can_be_made_again(error, said):
    assert isinstance(error, GuestError)
    assert said in str(error)
    assert str(type(error)(*error.args)) == str(error)
