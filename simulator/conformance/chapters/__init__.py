"""The tests of conformance, a chapter of the standard to a module."""

from mfalab.simulator.conformance.chapters import ctaphid, get_info, messages, waiting

__all__ = ["CHAPTERS", "TESTS"]

CHAPTERS = (ctaphid.CHAPTER, waiting.CHAPTER, messages.CHAPTER, get_info.CHAPTER)
"""All chapters, in the order in which they are run."""

TESTS = tuple(test for chapter in CHAPTERS for test in chapter.tests)
"""All tests."""
