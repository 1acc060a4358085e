"""What a study found: tallies as figures that answer the question."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mfalab.simulator.fleet import layout
from mfalab.simulator.fleet.exposure import Exposure, exposure_of
from mfalab.simulator.fleet.prepared import months
from mfalab.simulator.fleet.simulate import Tallies
from mfalab.simulator.fleet.study import Study
from mfalab.simulator.report.files import write_whole
from mfalab.verifier.profile import Profile

QUANTILES: Final = (0.05, 0.5, 0.95)
COUNTED: Final = {
    "logins": layout.LOGINS,
    "accepted_at_once": layout.FIRST,
    "accepted_later": layout.LATER,
    "refused": layout.REFUSED,
    "lockouts": layout.LOCKED,
    "wrong_codes": layout.WRONG_CODES,
    "throttled_codes": layout.THROTTLED_CODES,
    "resyncs": layout.RESYNCS,
    "resyncs_refused": layout.RESYNCS_REFUSED,
    "fallen_out": layout.OUT,
    "waiting": layout.WAITING,
    "waited_minutes": layout.WAITED_MINUTES,
    "not_enrolled": layout.NOT_ENROLLED,
}
"""What is counted for each policy and month, by its name in tables and files."""


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """What a policy cost, and what it let an attacker do.

    Attributes:
        name: the policy's.
        profile: its figures.
        totals: each figure of `COUNTED`, in all fleets together.
        tokens: tokens in all fleets.
        years: how long the study was.
        refused_once: the share of tokens with at least one refused code.
        days_to_first: quantiles of the days to the first refused code; None for never.
        exposure: what an attacker who guesses reaches.
    """

    name: str
    profile: Profile
    totals: dict[str, int]
    tokens: int
    years: float
    refused_once: float
    days_to_first: tuple[int | None, ...]
    exposure: Exposure

    def per_thousand_a_year(self, name: str) -> float:
        """A figure per 1,000 tokens and year."""
        return 1000 * self.totals[name] / (self.tokens * self.years) if self.tokens else 0.0


@dataclass(frozen=True, slots=True)
class Result:
    """A study's result, or a part of it.

    Attributes:
        study: the study.
        tallies: what was counted.
        complete: whether all tokens were simulated.
        firsts: the first day of each month.
    """

    study: Study
    tallies: Tallies
    complete: bool
    firsts: Sequence[date]

    @classmethod
    def of(cls, study: Study, tallies: Tallies) -> Result:
        """The result so far."""
        complete = tallies.tokens == study.tokens * study.fleets
        return cls(study, tallies, complete, months(study)[0])

    def policies(self) -> list[PolicyResult]:
        """Each policy's figures."""
        found = []
        years = self.study.weeks * 7 / 365.25
        for index, policy in enumerate(self.study.policies):
            profile = policy.figures
            sums = self.tallies.counts[index].sum((0, 1))
            firsts = self.tallies.first_refusals[index]
            tokens = self.tallies.tokens
            found.append(
                PolicyResult(
                    policy.name,
                    profile,
                    {name: int(sums[place]) for name, place in COUNTED.items()},
                    tokens,
                    years,
                    float(firsts.sum() / tokens) if tokens else 0.0,
                    tuple(_days_to(firsts, tokens, share) for share in QUANTILES),
                    exposure_of(profile, self.study, years),
                )
            )
        return found

    def by_month(self, policy: int, name: str) -> NDArray[np.float64]:
        """Quantiles over the fleets of a figure in each month: a row for each of `QUANTILES`."""
        of_fleet = self.tallies.counts[policy, :, :, COUNTED[name]]
        return np.quantile(of_fleet, QUANTILES, axis=0, method="inverted_cdf").astype(np.float64)

    def clock_steps(self) -> NDArray[np.float64]:
        """Quantiles over sampled tokens of the clock error in time steps, for each month.

        A row for each of `QUANTILES`; a month without a login is not a number.
        """
        clocks = self.tallies.clocks
        found = np.full((len(QUANTILES), len(clocks)), np.nan)
        for month, bins in enumerate(clocks):
            total = bins.sum()
            for row, share in enumerate(QUANTILES):
                if total:
                    place = int(np.searchsorted(bins.cumsum(), share * total))
                    found[row, month] = (place - layout.BINS // 2 + 0.5) / 2
        return found


def _days_to(firsts: Any, tokens: int, share: float) -> int | None:
    """In how many days so many of all tokens have had a refused code."""
    reached: Any = np.nonzero(firsts.cumsum() >= share * tokens)[0] if tokens else []
    return int(reached[0]) * 7 if len(reached) else None


def summary(result: Result) -> dict[str, Any]:
    """A result for programs."""
    return {
        "study": result.study.study,
        "complete": result.complete,
        "tokens": result.tallies.tokens,
        "logins": result.tallies.logins,
        "years": result.study.years,
        "seed": result.study.seed,
        "months": [first.isoformat() for first in result.firsts],
        "policies": [
            {
                "name": policy.name,
                **policy.totals,
                "refused_once": policy.refused_once,
                "days_to_first_refusal": dict(
                    zip(map(str, QUANTILES), policy.days_to_first, strict=True)
                ),
                "guesses_a_day": policy.exposure.guesses_a_day,
                "guessed_in_a_year": policy.exposure.in_a_year,
                "guessed_in_the_study": policy.exposure.in_the_study,
            }
            for policy in result.policies()
        ],
        "dead": result.tallies.gone[:, :, 0].sum(0).tolist(),
        "lost": result.tallies.gone[:, :, 1].sum(0).tolist(),
    }


def write_parquet(result: Result, path: Path) -> None:
    """Write the aggregates: a row for each policy, fleet and month; an existing file is replaced.

    The file's metadata has the study and whether it is complete.

    Raises:
        OSError: it cannot be written; then there is no half of it.
    """
    import pyarrow
    from pyarrow import parquet

    counts = result.tallies.counts
    policies, fleets, months, _ = counts.shape
    gone = result.tallies.gone
    columns: dict[str, Any] = {
        "policy": np.repeat([each.name for each in result.study.policies], fleets * months),
        "fleet": np.tile(np.repeat(np.arange(fleets), months), policies),
        "month": np.tile([first.isoformat() for first in result.firsts], policies * fleets),
    }
    for name, place in COUNTED.items():
        columns[name] = counts[:, :, :, place].ravel()
    columns["dead"] = np.tile(gone[:, :, 0].ravel(), policies)
    columns["lost"] = np.tile(gone[:, :, 1].ravel(), policies)
    metadata = {
        "study": result.study.model_dump_json(),
        "complete": json.dumps(result.complete),
        "tokens": str(result.tallies.tokens),
    }
    table = pyarrow.table(columns).replace_schema_metadata(metadata)
    written = pyarrow.BufferOutputStream()
    parquet.write_table(table, written)
    write_whole(path, written.getvalue().to_pybytes())
