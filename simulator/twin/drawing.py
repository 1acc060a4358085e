"""Plots of a measurement as SVG, drawn twice: for a wide page and for a narrow one.

Nothing here runs in the browser. Colours come from the page's style, so one drawing serves both
themes, and each reading says what it is when it is pointed at.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from html import escape
from math import floor, inf, log10

from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.entropy import EntropySource, Stream
from mfalab.simulator.language.units import EPOCH, format_instant
from mfalab.simulator.twin.measuring import Estimate, Measurement
from mfalab.simulator.twin.prediction import Prediction
from mfalab.simulator.twin.selecting import Fitted
from mfalab.simulator.twin.telling import best_line, day_text

WIDE, NARROW = 960, 360
_DAY_S = 86_400.0
_SHARP_S = 3.0
_POINTS = 48


class Drawing:
    """An SVG with a time axis of seconds after the last reading and an offset axis in seconds."""

    def __init__(
        self, width: int, height: int, times: tuple[float, float], offsets: tuple[float, float]
    ) -> None:
        self.width, self.height = width, height
        self.left, self.right = 58, width - 10
        self.top, self.bottom = 24, height - 26
        self.times, self.offsets = times, offsets
        self._parts: list[str] = []
        self._inside: list[str] = []

    def x(self, t_s: float) -> float:
        """Where a time is."""
        first, last = self.times
        share = (t_s - first) / (last - first) if last > first else 0.5
        return round(self.left + share * (self.right - self.left), 1)

    def y(self, offset_s: float) -> float:
        """Where an offset is, two heights beyond the edges at most."""
        low, high = self.offsets
        share = min(max((offset_s - low) / (high - low), -2.0), 3.0)
        return round(self.bottom - share * (self.bottom - self.top), 1)

    def add(self, tag: str, css: str, text: str = "", /, **values: object) -> None:
        """An element with a class; underscores in names become hyphens."""
        self._parts.append(_element(tag, css, text, values))

    def put(self, tag: str, css: str, text: str = "", /, **values: object) -> None:
        """As `add`, above everything that is added, and cut at the axes."""
        self._inside.append(_element(tag, css, text, values))

    def raw(self, text: str) -> None:
        """A piece of SVG as it is, where `put` puts it."""
        self._inside.append(text)

    def box(self, css: str, t_s: tuple[float, float], offset_s: tuple[float, float]) -> None:
        """A rectangle from times to offsets, cut at the edges."""
        x1, x2 = (min(max(self.x(t), self.left), self.right) for t in t_s)
        y1, y2 = self.y(offset_s[1]), self.y(offset_s[0])
        self.put("rect", css, x=x1, y=y1, width=round(x2 - x1, 1), height=round(y2 - y1, 1))

    def path(
        self, css: str, points: Sequence[tuple[float, float]], *, closed: bool = False
    ) -> None:
        """A line, or an area, through times and offsets."""
        text = "M" + "L".join(f"{self.x(t)} {self.y(offset)}" for t, offset in points)
        self.put("path", css, d=text + ("Z" if closed else ""))

    def axes(self, end_ns: int) -> None:
        """The grid with its labels."""
        for offset_s in _ticks(*self.offsets, max(3, self.height // 60)):
            y = self.y(offset_s)
            css = "zero" if offset_s == 0 else "grid"
            self.add("line", css, x1=self.left, x2=self.right, y1=y, y2=y)
            self.add(
                "text", "", _offset_text(offset_s), x=self.left - 7, y=y + 4, text_anchor="end"
            )
        edge = -inf
        for t_s, label in _day_ticks(end_ns, *self.times, max(2, self.width // 150)):
            x = self.x(t_s)
            self.add("line", "grid", x1=x, x2=x, y1=self.top, y2=self.bottom)
            half = 3.4 * len(label)
            at = min(max(x, self.left + half - 20), self.right - half)
            if at - half > edge + 6:
                self.add("text", "", label, x=round(at, 1), y=self.height - 7, text_anchor="middle")
                edge = at + half

    def svg(self, css: str, label: str) -> str:
        """The whole picture."""
        left, top = self.left - 1, self.top - 1
        width, height = self.right - left + 1, self.bottom - top + 1
        return (
            f'<svg class="plot {css}" viewBox="0 0 {self.width} {self.height}" role="img" '
            f'aria-label="{escape(label)}">{"".join(self._parts)}'
            f'<svg x="{left}" y="{top}" width="{width}" height="{height}" '
            f'viewBox="{left} {top} {width} {height}">{"".join(self._inside)}</svg></svg>'
        )


def _element(tag: str, css: str, text: str, values: Mapping[str, object]) -> str:
    written = " ".join(f'{name.replace("_", "-")}="{value}"' for name, value in values.items())
    return f'<{tag} class="{css}" {written}>{escape(text)}</{tag}>'


def _both(draw: Callable[[int], str]) -> str:
    return draw(WIDE) + draw(NARROW)


def readings_plot(measurement: Measurement) -> str:
    """What each reading allows, as distance from the fitted line, and how sure the line is."""
    span_s = measurement.model.span_s or 1.0
    times = [-span_s * (1 - k / (_POINTS - 1)) for k in range(_POINTS)]
    band = [best_line(measurement, t_s) for t_s in times]
    lines = {each.t_s: best_line(measurement, each.t_s).value for each in measurement.fitted}
    reach = max(
        max(
            each.trapezoid.high - lines[each.t_s],
            lines[each.t_s] - each.trapezoid.low,
        )
        for each in measurement.fitted
    )
    reach = min(reach, 1.5 * measurement.period_s)

    def draw(width: int) -> str:
        margin = span_s * 0.02
        drawing = Drawing(width, 300, (-span_s - margin, margin), (-reach * 1.05, reach * 1.05))
        drawing.axes(measurement.model.end_ns)
        for each in measurement.fitted:
            _reading(drawing, each, lines[each.t_s])
        upper = [(t, e.high - e.value) for t, e in zip(times, band, strict=True)]
        lower = [(t, e.low - e.value) for t, e in zip(times, band, strict=True)]
        drawing.path("band", upper + lower[::-1], closed=True)
        drawing.path("line", [(-span_s, 0.0), (0.0, 0.0)])
        css = "wide" if width == WIDE else "narrow"
        return drawing.svg(css, "Each reading's interval about the fitted line")

    return _both(draw)


def future_plot(measurement: Measurement, prediction: Prediction, chance: EntropySource) -> str:
    """The readings, the fitted line with its band, and when it leaves the verifier's window."""
    model = measurement.model
    day = prediction.resync
    until_ns = day.high_ns or day.median_ns or day.low_ns
    ahead_s = 3 * model.span_s if until_ns is None else (until_ns - model.end_ns) / NS_PER_S
    ahead_s = max(ahead_s * 1.06, model.span_s * 0.3, _DAY_S)
    start_s = -model.span_s - 0.02 * (model.span_s + ahead_s)
    stream = chance.stream("band")
    times = [-model.span_s * (1 - k / 11) for k in range(11)]
    times += [ahead_s * k / _POINTS for k in range(_POINTS + 1)]
    band = [_band(measurement, t_s, stream) for t_s in times]
    known = [each.trapezoid.low for each in measurement.fitted]
    known += [each.trapezoid.high for each in measurement.fitted]
    low = min(*known, *(each.low for each in band))
    high = max(*known, *(each.high for each in band))
    half = (prediction.fast_s - prediction.slow_s) / 2
    # The edge that the clock runs into is shown, and as much of the other as there is room.
    low = max(min(low, prediction.slow_s - 0.1 * half), prediction.slow_s - 0.6 * half)
    high = min(max(high, prediction.fast_s + 0.1 * half), prediction.fast_s + 0.6 * half)

    def draw(width: int) -> str:
        drawing = Drawing(width, 380, (start_s, ahead_s), (low, high))
        drawing.axes(model.end_ns)
        drawing.box("window", (start_s, ahead_s), (prediction.slow_s, prediction.fast_s))
        y = drawing.y(prediction.fast_s) + 15
        words = "codes accepted" if width == NARROW else "at least every second code is accepted"
        drawing.put("text", "inside", words, x=drawing.left + 8, y=y)
        first = max((each for each in (day.low_ns, day.median_ns) if each), default=None)
        if first is not None:
            days = [
                ahead_s if each is None else (each - model.end_ns) / NS_PER_S
                for each in (day.low_ns, day.high_ns)
            ]
            drawing.box("days", (max(days[0], 0.0), min(days[1], ahead_s)), (low, high))
        for each in measurement.fitted:
            _reading(drawing, each, 0.0)
        drawing.path(
            "band",
            [(t, e.high) for t, e in zip(times, band, strict=True)]
            + [(t, e.low) for t, e in zip(times, band, strict=True)][::-1],
            closed=True,
        )
        line = [(t, e.value) for t, e in zip(times, band, strict=True)]
        drawing.path("line", [each for each in line if each[0] <= 0])
        drawing.path("line ahead", [each for each in line if each[0] >= 0])
        x = drawing.x(0.0)
        drawing.put("line", "end", x1=x, x2=x, y1=drawing.top, y2=drawing.bottom)
        if drawing.right - x > 90:
            drawing.put("text", "", "last reading", x=x + 6, y=drawing.bottom - 8)
        if day.median_ns is not None:
            x = drawing.x((day.median_ns - model.end_ns) / NS_PER_S)
            drawing.add("line", "day", x1=x, x2=x, y1=drawing.top - 6, y2=drawing.bottom)
            text = day_text(day.median_ns)
            anchor = "end" if x > drawing.width * 0.8 else "start" if x < 100 else "middle"
            drawing.add("text", "day", text, x=x, y=drawing.top - 10, text_anchor=anchor)
        css = "wide" if width == WIDE else "narrow"
        return drawing.svg(
            css, f"Offset against true time; predicted day {day_text(day.median_ns)}"
        )

    return _both(draw)


def _band(measurement: Measurement, t_s: float, stream: Stream) -> Estimate:
    """The offset at a time with all doubt, that of the random walk to come included."""
    offsets = measurement.offsets_at(t_s)
    if t_s > 0.0:
        days = t_s / _DAY_S
        walked_s = measurement.model.wander_ppm * 1e-6 * _DAY_S * (days**3 / 3) ** 0.5
        offsets = [offset + stream.gauss(0.0, walked_s) for offset in offsets]
    return Estimate.of(offsets, measurement.level)


def _reading(drawing: Drawing, each: Fitted, line_s: float) -> None:
    shape = each.trapezoid
    low, high = shape.low - line_s, shape.high - line_s
    css = "reading sharp" if shape.width < _SHARP_S else "reading"
    x, y1, y2 = drawing.x(each.t_s), drawing.y(high), drawing.y(low)
    when = format_instant(each.reading.at_ns)
    text = f"{when[:19]}Z: the offset was from {shape.low:+.1f} to {shape.high:+.1f} s"
    drawing.raw('<g class="read">')
    drawing.raw(f"<title>{escape(text)}</title>")
    drawing.put("line", css, x1=x, x2=x, y1=y1, y2=y2)
    drawing.put("line", "hit", x1=x, x2=x, y1=y1, y2=y2)
    drawing.raw("</g>")


def _ticks(low: float, high: float, most: int) -> Iterator[float]:
    raw = (high - low) / most
    size = 10 ** floor(log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)
    number = -floor(-low / step)
    while number * step <= high:
        yield round(number * step, 9)
        number += 1


def _offset_text(offset_s: float) -> str:
    return f"{offset_s:+g} s" if offset_s else "0 s"


def _day_ticks(
    end_ns: int, first_s: float, last_s: float, most: int
) -> Iterator[tuple[float, str]]:
    """Times and labels: hours, days, or firsts of months."""
    span_days = (last_s - first_s) / _DAY_S
    end = EPOCH + timedelta(microseconds=end_ns // 1000)
    if span_days / most > 28:
        months = next(
            (each for each in (1, 2, 3, 6, 12, 24) if span_days / most <= 30.5 * each), 60
        )
        begin = end + timedelta(seconds=first_s)
        number = begin.year * 12 + begin.month  # the month after the first
        number = -(-number // months) * months
        while True:
            day = begin.replace(
                year=number // 12,
                month=number % 12 + 1,
                day=1,
                hour=0,
                minute=0,
                second=0,
                microsecond=0,
            )
            t_s = (day - end).total_seconds()
            if t_s > last_s:
                return
            yield t_s, f"{day:%Y-%m}"
            number += months
    choices = (1 / 24, 1 / 8, 1 / 4, 1 / 2, 1, 2, 5, 7, 14, 28)
    step_s = _DAY_S * next(each for each in choices if span_days / most <= each)
    epoch_s = end_ns / NS_PER_S
    number = -floor(-(epoch_s + first_s) / step_s)
    while number * step_s <= epoch_s + last_s:
        at = EPOCH + timedelta(seconds=number * step_s)
        label = f"{at:%Y-%m-%d}" if step_s >= _DAY_S else f"{at:%m-%d %H:%M}"
        yield number * step_s - epoch_s, label
        number += 1
