"""The tests of conformance, a chapter of the standard to a module."""

from mfalab.simulator.conformance.chapters import (
    ctaphid,
    get_assertion,
    get_info,
    make_credential,
    messages,
    u2f,
    waiting,
)

__all__ = ["CHAPTERS", "TESTS"]

CHAPTERS = tuple(
    module.CHAPTER
    for module in (ctaphid, waiting, messages, get_info, u2f, make_credential, get_assertion)
)
"""All chapters, in the order in which they are run."""

TESTS = tuple(test for chapter in CHAPTERS for test in chapter.tests)
"""All tests."""
