"""The commands about scenarios: a thin door over suites, runner and reports."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import click

from mfalab.simulator.cli.bench import opened_bench
from mfalab.simulator.cli.common import FAILED, FORMAT, PASSED, print_json
from mfalab.simulator.environment.outcome import ScenarioError
from mfalab.simulator.eventlog import Event, encode
from mfalab.simulator.language.problems import Problem, ProblemsFound
from mfalab.simulator.runner import DEFAULT_SEED, furnish, run
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.scenario_files.suites import collect, select, shipped

_PATHS = click.argument("paths", nargs=-1, metavar="[PATH]...")
_WORDS = click.option(
    "-k",
    "words",
    multiple=True,
    metavar="TEXT",
    help="Only cases whose id, title or tags say it.",
)
_TAGS = click.option("-t", "--tag", "tags", multiple=True, help="Only cases with this tag.")


@click.command(name="run")
@_PATHS
@_WORDS
@_TAGS
@click.option("--seed", type=int, default=DEFAULT_SEED, show_default=True, help="All chance.")
@click.option("-j", "--jobs", type=click.IntRange(1), default=1, help="Number of processes.")
@click.option(
    "--lab",
    "lab_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="LAB.yaml",
    help="Bench whose keys and tokens stand for the scenarios'.",
)
@click.option("-x", "--exitfirst", is_flag=True, help="Stop at the first failure.")
@click.option("--log", type=click.Path(path_type=Path), metavar="FILE.jsonl", help="Event log.")
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE.xml", help="JUnit XML.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE.html", help="HTML report.")
@click.option(
    "--record",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Record what security keys say: pcapng files, and in the event log.",
)
@click.option("--show-secrets", is_flag=True, help="Write seeds, codes and passwords unmasked.")
@click.option("-v", "--verbose", is_flag=True, help="A line for each case.")
@click.option("-q", "--quiet", is_flag=True, help="The summary only.")
@FORMAT
def run_command(
    paths: tuple[str, ...],
    words: tuple[str, ...],
    tags: tuple[str, ...],
    seed: int,
    jobs: int,
    lab_file: Path | None,
    exitfirst: bool,
    log: Path | None,
    junit: Path | None,
    html: Path | None,
    record: Path | None,
    show_secrets: bool,
    verbose: bool,
    quiet: bool,
    form: str,
) -> None:
    """Run scenarios: folders, files, or FILE::CASE; the shipped suites when none is named.

    Exits with 0 when all passed, 1 when something failed, 2 when a scenario or the lab file is
    wrong, 3 when the bench is not ready.
    """
    from mfalab.simulator.report import TerminalReporter, read_runs, write_html, write_junit

    if lab_file is not None and jobs > 1:
        raise click.UsageError("a bench serves one process: leave -j out with --lab")

    outputs = [path.resolve() for path in (log, junit, html) if path is not None]
    if len(set(outputs)) < len(outputs):
        raise click.UsageError("--log, --junit and --html need a file each")
    cases = _chosen(paths, words, tags)
    lines: list[str] = []
    with ExitStack() as stack:
        bench = stack.enter_context(opened_bench(lab_file, seed)) if lab_file else None
        log_file = stack.enter_context(_written(log)) if log else None
        for target in (junit, html):
            if target is not None:
                stack.enter_context(_writable(target))
        on_terminal = sys.stdout.isatty() and form == "text"
        reporter = TerminalReporter(
            sys.stdout,
            verbosity=1 if verbose else -1 if quiet else 0,
            colour=None,
            is_tty=on_terminal,
        )
        bad = 0
        try:
            # Closed at once when interrupted: what other processes have not begun is dropped.
            events = stack.enter_context(
                closing(
                    run(
                        cases,
                        seed=seed,
                        jobs=jobs,
                        stop_at_failure=exitfirst,
                        bench=bench,
                        record=record,
                    )
                )
            )
            for event in events:
                line = encode(event, reveal=show_secrets)
                lines.append(line)
                if log_file is not None:
                    log_file.write(line + "\n")
                    log_file.flush()
                if form == "text":
                    reporter.event(event)
                bad += _is_bad_end(event)
        except KeyboardInterrupt:
            raise click.exceptions.Abort from None
        finally:
            # Files first: whoever reads our output may be gone.
            if lines and (junit or html):
                report = read_runs(lines)
                for target, write in ((junit, write_junit), (html, write_html)):
                    if target is not None:
                        write(report, target)
            if form == "text":
                reporter.close()
    if form == "json":
        click.echo(lines[-1])
    else:
        for what, target in (("report", html), ("JUnit XML", junit), ("event log", log)):
            if target is not None:
                click.echo(f"{what}: {target}")
    sys.exit(FAILED if bad else PASSED)


def _is_bad_end(event: Event) -> bool:
    return event["kind"] == "case_finished" and event["verdict"] in {"failed", "error"}


def _chosen(
    paths: tuple[str, ...], words: tuple[str, ...] = (), tags: tuple[str, ...] = ()
) -> list[Case]:
    cases = select(collect(paths), words=words, tags=tags)
    if not cases:
        raise click.UsageError("no case is left: look at the words behind -k and -t")
    return cases


@contextmanager
def _written(path: Path) -> Iterator[TextIO]:
    """A file to write, or one clear error before anything has run."""
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"cannot write {path}: {error.strerror}") from None
    with file:
        yield file


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    """Make sure before the run that a report can be written after it."""
    existed = path.exists()
    try:
        path.open("a", encoding="utf-8").close()
    except OSError as error:
        raise click.UsageError(f"cannot write {path}: {error.strerror}") from None
    yield
    if not existed and path.exists() and path.stat().st_size == 0:
        path.unlink()


@click.command()
@_PATHS
def check(paths: tuple[str, ...]) -> None:
    """Parse and resolve scenarios completely, set each scene, and run nothing."""
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
@_PATHS
@_WORDS
@_TAGS
@FORMAT
def list_command(
    paths: tuple[str, ...], words: tuple[str, ...], tags: tuple[str, ...], form: str
) -> None:
    """List cases by topic."""
    cases = _chosen(paths, words, tags)
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
    targets: Iterable[tuple[Path | None, Callable[..., None]]] = (
        (html, write_html),
        (junit, write_junit),
    )
    for target, write in targets:
        if target is not None:
            with _writable(target):
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

    cases = collect([path])
    if len({case.path for case in cases}) > 1:
        raise click.UsageError(f"{path} holds several scenarios; name one of its files")
    text = as_python(cases)
    if output is None:
        click.echo(text, nl=False)
        return
    if output.exists():
        raise click.UsageError(f"{output} exists already; it was left as it is")
    with _written(output) as file:
        file.write(text)
    click.echo(f"{output} (run it with: pytest {output})")


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def new(path: Path) -> None:
    """Write a first scenario to start from."""
    from mfalab.simulator.scenario_files.eject import TEMPLATE
    from mfalab.simulator.scenario_files.loader import SUFFIX

    if not path.name.endswith(SUFFIX):
        raise click.UsageError(f"a scenario file ends in {SUFFIX}")
    if path.exists():
        raise click.UsageError(f"{path} exists already; it was left as it is")
    with _written(path) as file:
        file.write(TEMPLATE)
    click.echo(f"{path} (run it with: mfalab run {path})")


@click.command()
def where() -> None:
    """Print the folder of the shipped suites."""
    click.echo(shipped())


COMMANDS = {
    each.name: each
    for each in (
        run_command,
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
