"""The commands about scenarios: a thin door over suites."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mfalab.simulator.cli.common import A_FILE, A_PROFILE, FORMAT, gathered, print_json
from mfalab.simulator.cli.outputs import errors_of_writing
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
    told = f"{_counted(len(files), 'scenario')}, {_counted(len(cases), 'case')}"
    click.echo(f"{told}: nothing wrong")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


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
    click.echo(f"\n{_counted(len(cases), 'case')}")


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
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from mfalab.simulator.scenario_files.schema import scenario_schema

    print_json(scenario_schema())


@click.command(name="explain")
@click.argument("word", required=False)
@FORMAT
def explain_command(word: str | None, form: str) -> None:
    """Explain a word of the scenario language, or list all words."""
    _explain(word, form)


@click.command()
@click.argument("verb", required=False)
@FORMAT
def steps(verb: str | None, form: str) -> None:
    """List the steps that a scenario may have, or explain one."""
    from mfalab.simulator.scenario_files.schema import step_schemas

    if form == "json":
        print_json(step_schemas())
    else:
        _explain(verb, form, group="steps")


def _explain(word: str | None, form: str, group: str | None = None) -> None:
    from mfalab.simulator.scenario_files.explain import (
        GROUPS,
        as_list,
        as_text,
        explain,
        vocabulary,
    )

    if word is None or (group is None and word in GROUPS):
        groups = vocabulary(word or group)
        if form == "json":
            print_json({name: [asdict(each) for each in found] for name, found in groups.items()})
        else:
            click.echo(as_list(groups))
        return
    try:
        found = explain(word, group)
    except LookupError as error:
        raise click.UsageError(str(error.args[0])) from None
    if form == "json":
        print_json([asdict(each) for each in found])
    else:
        click.echo("\n\n".join(map(as_text, found)))


@click.command(name="profiles")
@click.argument("names", nargs=-1, metavar="[NAME]...", type=A_PROFILE)
@FORMAT
def profiles_command(names: tuple[str, ...], form: str) -> None:
    """Print every figure of the verifier's profiles side by side; of all when none is named."""
    from mfalab.simulator.scenario_files.describe import profiles, profiles_table

    columns = {name: figures for name, figures in profiles().items() if name in (names or (name,))}
    if form == "json":
        print_json(columns)
    else:
        click.echo(profiles_table(columns))


@click.command()
@click.argument("path")
@click.option("-o", "--output", type=A_FILE, help="File to write.")
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
@click.argument("path", type=A_FILE)
def new(path: Path) -> None:
    """Write a first scenario to start from."""
    from mfalab.simulator.scenario_files.eject import TEMPLATE
    from mfalab.simulator.scenario_files.loader import SUFFIX

    if not path.name.endswith(SUFFIX):
        raise click.UsageError(f"a scenario file ends in {SUFFIX}")
    _write_new(path, TEMPLATE, run_with="mfalab run")


def _write_new(path: Path, text: str, *, run_with: str) -> None:
    from mfalab.simulator.report.files import write_whole

    if path.exists():
        raise click.UsageError(f"{path} exists already; it was left as it is")
    with errors_of_writing(path):
        write_whole(path, text)
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
        schema,
        explain_command,
        steps,
        profiles_command,
        eject,
        new,
        where,
    )
}
"""Each command by its name."""
