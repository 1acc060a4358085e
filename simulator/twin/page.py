"""The page of a measurement: one HTML file that needs no network and runs no program."""

from collections.abc import Iterator
from html import escape
from pathlib import Path

from mfalab.simulator.entropy import EntropySource
from mfalab.simulator.language.units import format_duration, format_instant
from mfalab.simulator.report.files import write_whole
from mfalab.simulator.report.page import render_document, texts_of
from mfalab.simulator.twin.drawing import future_plot, readings_plot
from mfalab.simulator.twin.measuring import Estimate
from mfalab.simulator.twin.prediction import Prediction, Use
from mfalab.simulator.twin.telling import Account, day_text, figures


def write_page(account: Account, path: Path, chance: EntropySource) -> None:
    """Write the page; an existing file is replaced.

    Raises:
        OSError: it cannot be written.
    """
    write_whole(path, render_page(account, chance))


def render_page(account: Account, chance: EntropySource) -> str:
    """The page as text."""
    headline = _headline(account)
    main = "\n".join(_body(account, headline, chance))
    return render_document(
        title=f"{headline} - mfalab",
        style=texts_of("report/report.css", "twin/twin.css"),
        body=(
            '<header class="top"><p class="mark">mfalab <span>token measure</span></p></header>\n'
            f"<main>\n{main}\n</main>\n"
            '<footer class="foot"><p>Times are UTC. Nothing is fetched, and no program runs.</p>'
            "</footer>"
        ),
    )


def _headline(account: Account) -> str:
    rate = account.measurement.rate_ppm
    daily = abs(rate.value) * 0.0864
    if rate.low <= 0.0 <= rate.high:
        return f"Token {account.token} keeps time as far as the readings tell"
    word = "gains" if rate.value > 0 else "loses"
    return f"Token {account.token} {word} {daily:.2f} s a day"


def _body(account: Account, headline: str, chance: EntropySource) -> Iterator[str]:
    measurement = account.measurement
    model = measurement.model
    level = f"{100 * measurement.level:g} %"
    span = format_duration(model.end_ns - model.start_ns)
    first, last = (format_instant(each)[:10] for each in (model.start_ns, model.end_ns))
    yield '<section id="summary" aria-labelledby="headline">'
    yield f'<h1 id="headline">{escape(headline)}</h1>'
    yield (
        f'<p class="lead">{len(measurement.fitted)} readings over {span}, {first} to {last}, '
        f"{escape(account.source)}. Limits hold with {level} confidence.</p>"
    )
    yield '<dl class="figures">'
    for name, each, unit, decimals in figures(measurement):
        yield (
            f"<div><dt>{escape(name)}</dt><dd>{_number(each.value, decimals)} {unit}"
            f'<span class="limits">{_limits(each, decimals)} {unit}</span></dd></div>'
        )
    yield "</dl></section>"
    shown = next((each for each in account.predictions if each.use is not Use.DAILY), None)
    if shown is not None:
        yield from _future(account, shown, chance)
    yield from _readings(account, level)
    if measurement.set_aside or measurement.notes:
        yield from _remarks(account)


def _future(account: Account, shown: Prediction, chance: EntropySource) -> Iterator[str]:
    measurement = account.measurement
    yield '<section class="panel"><h2>When it will have to be resynchronised</h2>'
    yield (
        f"<p>Clock offset against true time, at {escape(shown.profile)} and {shown.use.value}, "
        "if the last pair of codes was verified when the readings ended or when it was said.</p>"
    )
    yield (
        '<p class="legend"><span class="key band-key">accepted window</span>'
        '<span class="key reading-key">what a reading allows</span>'
        f'{_sharp_key(account)}<span class="key fit-key">fitted line</span>'
        '<span class="key sure-key">its limits</span>'
        '<span class="key days-key">predicted day and its limits</span></p>'
    )
    yield future_plot(measurement, shown, chance)
    yield '<div class="tablebox"><table class="days"><thead><tr>'
    heads = (
        "verifier and use",
        "resynchronise by about",
        "limits",
        "every code good until",
        "none from",
    )
    yield "".join(f"<th>{head}</th>" for head in heads) + "</tr></thead><tbody>"
    for each in account.predictions:
        low, high = (
            f'<span class="nowrap">{day_text(day)}</span>'
            for day in (each.resync.low_ns, each.resync.high_ns)
        )
        cells = (
            day_text(each.resync.median_ns),
            f"{low} to {high}",
            day_text(each.first_refusal.median_ns),
            day_text(each.last_success.median_ns),
        )
        yield f"<tr><th>{escape(each.profile)}, {each.use.value}</th>"
        yield "".join(
            f'<td data-label="{head}">{cell}</td>'
            for head, cell in zip(heads[1:], cells, strict=True)
        )
        yield "</tr>"
    yield "</tbody></table></div></section>"


def _readings(account: Account, level: str) -> Iterator[str]:
    yield '<section class="panel"><h2>The readings about the fitted line</h2>'
    yield (
        "<p>A code says that the offset lay within one time step, and how well the moment is known "
        f"adds to that. The line passes through all of them; the band is where it may lie with "
        f"{level} confidence at each moment. It rests on the bars that end close to it.</p>"
    )
    yield (
        '<p class="legend"><span class="key reading-key">what a reading allows</span>'
        f'{_sharp_key(account)}<span class="key sure-key">limits of the line</span></p>'
    )
    yield readings_plot(account.measurement)
    yield "</section>"


def _sharp_key(account: Account) -> str:
    sharp = any(each.trapezoid.width < 3.0 for each in account.measurement.fitted)
    return '<span class="key sharp-key">a change that was seen</span>' if sharp else ""


def _remarks(account: Account) -> Iterator[str]:
    measurement = account.measurement
    yield '<section class="panel"><h2>Remarks</h2><ul>'
    for each in measurement.set_aside:
        where = f"line {each.reading.line}, " if each.reading.line else ""
        when = format_instant(each.reading.at_ns)
        yield f"<li>Set aside: {where}{when}: {escape(each.why)}.</li>"
    for note in measurement.notes:
        yield f"<li>{escape(note)}</li>"
    yield "</ul></section>"


def _number(value: float, decimals: int) -> str:
    return f"{value:+.{decimals}f}"


def _limits(each: Estimate, decimals: int) -> str:
    return f"{each.low:+.{decimals}f} to {each.high:+.{decimals}f}"
