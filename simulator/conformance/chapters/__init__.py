"""The tests of conformance, a chapter of the standard to a module."""

from mfalab.simulator.conformance.chapters import (
    bio_enrollment,
    client_pin,
    config,
    credential_management,
    ctaphid,
    extensions,
    get_assertion,
    get_info,
    large_blobs,
    make_credential,
    messages,
    pin_retries,
    reset,
    tokens,
    twin,
    u2f,
    waiting,
    whole_run,
)

__all__ = ["CHAPTERS", "TESTS"]

CHAPTERS = tuple(
    module.CHAPTER
    for module in (
        ctaphid,
        waiting,
        messages,
        get_info,
        u2f,
        make_credential,
        get_assertion,
        extensions,
        client_pin,
        tokens,
        pin_retries,
        credential_management,
        large_blobs,
        config,
        bio_enrollment,
        twin,
        reset,
        whole_run,
    )
)
"""All chapters, in the order in which they are run."""

TESTS = tuple(test for chapter in CHAPTERS for test in chapter.tests)
"""All tests."""
