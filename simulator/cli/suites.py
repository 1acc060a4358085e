"""The commands about scenarios: a thin door over suites and reports."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mfalab.simulator.cli.common import FORMAT, gathered, print_json, require_writable, written
from mfalab.simulator.cli.selection import Selection

if TYPE_CHECKING:
    from mfalab.simulator.scenario_files.loader import Case


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
def check(paths: tuple[str, ...]) -> None:
    """Parse and resolve scenarios completely, set each scene, and run nothing."""
    from mfalab.simulator.environment.outcome import ScenarioError
    from mfalab.simulator.language.problems import Problem, ProblemsFound
    from mfalab.simulator.runner import furnish
    from mfalab.simulator.scenario_files.suites import collect

    cases = collect(paths)
    problems: list[Problem] = []
    for case in cases:
        try:
            furnish(case)
        except ScenarioError as mistake:
            problems.append(Problem(case.shown_as, case.line, 1, str(mistake)))
    if problems:
        raise ProblemsFound(problems)
    files = {case.path for case in cases}
    click.echo(f"{len(files)} scenarios, {len(cases)} cases: nothing wrong")


@click.command(name="list")
@gathered(Selection, "selection")
@FORMAT
def list_command(selection: Selection, form: str) -> None:
    """List cases by topic."""
    cases = selection.cases()
    if form == "json":
        print_json([_summary(case) for case in cases])
        return
    topic = None
    for case in cases:
        if case.topic != topic:
            click.echo(case.topic if topic is None else f"\n{case.topic}")
            topic = case.topic
        click.echo(f"  {case.local_id:<44} {case.scenario.scenario}")
    click.echo(f"\n{len(cases)} cases")


def _summary(case: Case) -> dict[str, Any]:
    return {
        "id": case.id,
        "node": case.node,
        "scenario": case.scenario.scenario,
        "topic": case.topic,
        "tags": case.scenario.tags,
        "source": case.scenario.source,
        "steps": len(case.steps),
    }


@click.command()
@click.argument("path")
@FORMAT
def show(path: str, form: str) -> None:
    """Show a scenario as it will run: FILE, or FILE::CASE."""
    from mfalab.simulator.scenario_files.describe import describe
    from mfalab.simulator.scenario_files.suites import collect

    cases = collect([path])
    if form == "json":
        print_json(
            [
                _summary(case) | {"resolved": case.scenario.model_dump(mode="json", by_alias=True)}
                for case in cases
            ]
        )
        return
    click.echo("\n\n".join(describe(case) for case in cases))


@click.command()
@click.argument("logs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE.html", help="HTML report.")
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE.xml", help="JUnit XML.")
def report(logs: tuple[Path, ...], html: Path | None, junit: Path | None) -> None:
    """Make reports from event logs; several logs become one report, side by side.

    \b
    mfalab report simulated.jsonl hidraw.jsonl nfc.jsonl --html all.html
    """
    from mfalab.simulator.report import (
        LogError,
        TerminalReporter,
        comparison,
        read_logs,
        write_html,
        write_junit,
    )

    texts: list[tuple[str, list[str]]] = []
    for log in logs:
        try:
            texts.append((str(log), log.read_text(encoding="utf-8").splitlines()))
        except (OSError, UnicodeDecodeError) as error:
            raise click.UsageError(f"cannot read {log}: {error}") from None
    try:
        made = read_logs(texts)
    except LogError as error:
        raise click.UsageError(str(error)) from None
    for target, write in ((html, write_html), (junit, write_junit)):
        if target is not None:
            require_writable(target)
            write(made, target)
            click.echo(str(target))
    if html is None and junit is None:
        reporter = TerminalReporter(sys.stdout, colour=None, is_tty=False)
        for line in (line for _, lines in texts for line in lines):
            with suppress(json.JSONDecodeError):  # a killed run leaves a line that is cut short
                reporter.event(json.loads(line))
        reporter.close()
        if len(made.runs) > 1:
            click.echo(f"\n{comparison(made)}", nl=False)


@click.command()
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from mfalab.simulator.scenario_files.schema import scenario_schema

    print_json(scenario_schema())


@click.command()
@click.argument("verb", required=False)
@FORMAT
def steps(verb: str | None, form: str) -> None:
    """List the steps that a scenario may have, or explain one."""
    from mfalab.simulator.scenario_files.describe import explain, vocabulary

    if form == "json":
        print_json(vocabulary())
        return
    try:
        click.echo(explain(verb))
    except LookupError as error:
        raise click.UsageError(str(error.args[0])) from None


@click.command(name="profiles")
@FORMAT
def profiles_command(form: str) -> None:
    """Print every figure of the verifier's profiles side by side."""
    from mfalab.simulator.scenario_files.describe import profiles, profiles_table

    if form == "json":
        print_json(profiles())
    else:
        click.echo(profiles_table())


@click.command()
@click.argument("path")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write.")
def eject(path: str, output: Path | None) -> None:
    """Write the Python form of a scenario: a pytest file that does the same steps."""
    from mfalab.simulator.scenario_files.eject import as_python
    from mfalab.simulator.scenario_files.suites import collect

    cases = collect([path])
    if len({case.path for case in cases}) > 1:
        raise click.UsageError(f"{path} holds several scenarios; name one of its files")
    text = as_python(cases)
    if output is None:
        click.echo(text, nl=False)
        return
    _write_new(output, text, run_with="pytest")


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def new(path: Path) -> None:
    """Write a first scenario to start from."""
    from mfalab.simulator.scenario_files.eject import TEMPLATE
    from mfalab.simulator.scenario_files.loader import SUFFIX

    if not path.name.endswith(SUFFIX):
        raise click.UsageError(f"a scenario file ends in {SUFFIX}")
    _write_new(path, TEMPLATE, run_with="mfalab run")


def _write_new(path: Path, text: str, *, run_with: str) -> None:
    if path.exists():
        raise click.UsageError(f"{path} exists already; it was left as it is")
    with written(path) as file:
        file.write(text)
    click.echo(f"{path} (run it with: {run_with} {path})")


@click.command()
def where() -> None:
    """Print the folder of the shipped suites."""
    from mfalab.simulator.scenario_files.suites import shipped

    click.echo(shipped())


COMMANDS = {
    each.name: each
    for each in (
        check,
        list_command,
        show,
        report,
        schema,
        steps,
        profiles_command,
        eject,
        new,
        where,
    )
}
"""Each command by its name."""
