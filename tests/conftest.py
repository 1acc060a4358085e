"""What tests of more than one package share."""

from collections.abc import Callable

import pytest

from mfalab.simulator.language.loader import Case
from mfalab.simulator.language.suites import collect
from mfalab.simulator.runner import run_case

Break = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(scope="session")
def noticed() -> Callable[[pytest.MonkeyPatch, Break, str], bool]:
    """Whether a shipped case fails with a break of the verifier, and passes without it.

    Cases of the scenario, topic or tag that a word names are tried first, short ones before long
    ones. An error is no verdict on the verifier, and one that crashes is no break.
    """
    cases = sorted(collect([]), key=lambda case: len(case.scenario.steps))

    def fails(case: Case) -> bool:
        last = run_case(case)[-1]
        assert "defect in mfalab" not in last["why"], last["why"]
        return bool(last["verdict"] == "failed")

    def noticed(patch: pytest.MonkeyPatch, break_it: Break, word: str) -> bool:
        def unlikely(case: Case) -> bool:
            return word != case.name and word not in case.topic and word not in case.scenario.tags

        break_it(patch)
        found = next((case for case in sorted(cases, key=unlikely) if fails(case)), None)
        patch.undo()
        assert found is None or run_case(found)[-1]["verdict"] == "passed"
        return found is not None

    return noticed
