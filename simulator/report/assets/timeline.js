// The swim lanes: one row for every person, device, the verifier and the world; steps are
// columns; every event carries its words. Positions keep the order exactly and time roughly.

const LANE = 46, HEAD = 66, FOOT = 22, PAPER = 600;
const measure = (() => {
  const context = document.createElement("canvas").getContext("2d");
  return (text, font) => {
    context.font = `${font} system-ui, sans-serif`;
    return context.measureText(text).width;
  };
})();
const clip = (text, width, font) => {
  if (measure(text, font) <= width) return text;
  let end = text.length;
  while (end > 1 && measure(`${text.slice(0, end)}\u2026`, font) > width) end -= 1;
  return `${text.slice(0, end).trimEnd()}\u2026`;
};

const detailText = (detail) => Object.entries(detail ?? {}).map(([key, value]) => `${key} ${value}`).join(", ");

// One shape for the three kinds of event in the data.
const readEvent = (row, lanes) => {
  const [kind, t, step, lane, ...rest] = row;
  const event = { kind, t, step, lane, device: -1, second: "", tone: "" };
  if (kind === "n") {
    [event.first, event.detail] = rest;
  } else if (kind === "d") {
    [event.device, event.second, event.first, event.detail] = rest;
    event.tone = event.first === "accepted" ? "accepted" : "refused";
  } else {
    const [low, high, cause] = rest;
    event.first = cause;
    event.second = low === null ? "no window" : `window ${offset(low)} to ${offset(high)}`;
    event.window = { low, high, cause };
  }
  event.words = [lanes[lane][2], event.first, event.second,
    event.device >= 0 && `device ${lanes[event.device][2]}`].filter(Boolean).join(" \u00b7 ");
  return event;
};

// Lays events out from left to right; labels never touch, and stay in their step's column.
const layOut = (scene) => {
  const bands = [];
  let x = 0, now = 0, group = null, labelEnd = [];
  const points = [[0, x]];
  const pass = (t) => {
    const gap = t - now;
    if (gap >= BREAK) {
      const width = Math.max(58, measure(duration(gap), "600 12px") + 26);
      const from = Math.max(x + 12, ...labelEnd.filter(Number.isFinite), group.x + 14);
      group.breaks.push({ x: from, width, label: duration(gap) });
      points.push([now, from], [t, from + width]);
      x = from + width + 12;
      labelEnd = [];
    } else {
      x += silence(gap);
    }
    now = Math.max(now, t);
  };
  const close = (t) => {
    pass(t);
    const head = Math.max(measure(group.title, "600 12px") + 30, 76);
    group.end = Math.max(x + 8, group.x + head, ...labelEnd.filter(Number.isFinite).map((end) => end + 10));
    x = group.end;
    points.push([now, x]);
    bands.push(group);
    labelEnd = [];
  };
  const open = (step, t) => {
    group = { step, x, t, breaks: [], title: step ? `${step.n} ${step.do}` : "before" };
    x += 14;
  };
  let index = 0;
  const take = (until, first, finish) => {
    for (; index < scene.events.length && until(scene.events[index]); index += 1) {
      const event = scene.events[index];
      pass(event.t);
      const label = clip(event.first, 168, event.second ? "600 12px" : "12px");
      const second = event.second && clip(event.second, 200, "11px");
      const width = Math.max(measure(label, "600 12px"), second ? measure(second, "11px") : 0);
      const last = points.at(-1)[1];
      // The line from a device to the verifier must not cross the words of the lanes between.
      const [top, end] = event.device < 0 ? [event.lane, event.lane] : [event.device, event.lane].sort((a, b) => a - b);
      const free = Math.max(...Array.from({ length: end - top + 1 }, (_, lane) => labelEnd[top + lane] ?? 0));
      x = Math.max(x, free + 12, last + (event.t > points.at(-1)[0] ? 16 : 10), first + 14);
      Object.assign(event, { x, label, secondLabel: second });
      labelEnd[event.lane] = x + 12 + width;
      for (let lane = top; lane <= end; lane += 1) labelEnd[lane] = Math.max(labelEnd[lane] ?? 0, x + 4);
      points.push([event.t, x]);
    }
    close(finish);
  };
  if (scene.events.length && scene.events[0].step === 0) {
    open(null, 0);
    const next = scene.steps[0]?.t0 ?? scene.end;
    take((event) => event.step === 0, x, Math.max(next, now));
  }
  for (const [number, step] of scene.steps.entries()) {
    if (step.t0 > now && group) now = step.t0;
    open(step, step.t0);
    if (number === 0) now = Math.max(now, step.t0);
    const lastStep = number === scene.steps.length - 1;
    take((event) => lastStep || event.step <= step.n, group.x, Math.max(step.t1, now));
  }
  return stretch({ bands, points, events: scene.events, width: x }, scene.room);
};

// A short story fills its frame: positions spread, words keep their size.
const stretch = (drawing, room) => {
  const factor = Math.min(Math.max(room / drawing.width, 1), 1.8);
  for (const event of drawing.events) event.x *= factor;
  for (const point of drawing.points) point[1] *= factor;
  for (const band of drawing.bands) {
    band.x *= factor;
    band.end *= factor;
    for (const gap of band.breaks) [gap.x, gap.width] = [gap.x * factor, gap.width * factor];
  }
  drawing.width = Math.max(drawing.width * factor, room);
  if (drawing.bands.length) drawing.bands.at(-1).end = drawing.width;
  return drawing;
};

const drawMark = (event, y, kind) => {
  const { x } = event;
  if (event.kind === "w") return svg("path", { d: `M${x - 4} ${y - 7}h8M${x} ${y - 7}v14M${x - 4} ${y + 7}h8`, class: "mark window" });
  if (event.kind === "d") return svg("path", { d: `M${x} ${y - 7}l7 7-7 7-7-7z`, class: `mark decision ${event.tone}` });
  if (kind === "person") return svg("circle", { cx: x, cy: y, r: 5, class: "mark person" });
  if (kind === "device") return svg("rect", { x: x - 5, y: y - 5, width: 10, height: 10, rx: 2.5, class: "mark device" });
  if (kind === "verifier") return svg("path", { d: `M${x} ${y - 6}l6 6-6 6-6-6z`, class: "mark verifier" });
  return svg("circle", { cx: x, cy: y, r: 4.5, class: "mark world" });
};

let patterns = 0;

const timeline = (scene) => {
  const { bands, points, width } = layOut(scene);
  const lanes = scene.lanes, height = HEAD + lanes.length * LANE + FOOT;
  const middle = (lane) => HEAD + lane * LANE + LANE / 2;
  const pattern = `hatch-${(patterns += 1)}`;
  const drawing = svg("svg", {
    width, height, viewBox: `0 0 ${width} ${height}`, role: "group",
    "aria-label": `Timeline, ${plural(scene.events.length, "event")} in ${plural(lanes.length, "lane")}. Left and right arrows move between events.`,
  });
  drawing.append(svg("defs", null, svg("pattern", { id: pattern, width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svg("path", { d: "M0 0V7", class: "hatch" }))));
  const bottom = HEAD + lanes.length * LANE;
  let lastDay = "";
  for (const band of bands) {
    const verdict = band.step?.v ?? "passed";
    drawing.append(svg("rect", { x: band.x, y: 0, width: band.end - band.x, height: bottom, class: `band ${verdict}` }));
    drawing.append(svg("path", { d: `M${band.x + 0.5} 0V${bottom}`, class: "edge" }));
    drawing.append(svg("text", { x: band.x + 10, y: 19, class: `step ${verdict}` }, band.title));
    const at = scene.start + band.t, today = day(at);
    if (today !== lastDay) drawing.append(svg("text", { x: band.x + 10, y: 38, class: "date" }, today));
    lastDay = today;
    drawing.append(svg("text", { x: band.x + 10, y: 54, class: "time" }, clock(at)));
  }
  for (const [index] of lanes.entries()) {
    drawing.append(svg("path", { d: `M0 ${middle(index)}H${width}`, class: "rail" }));
    if (index) drawing.append(svg("path", { d: `M0 ${HEAD + index * LANE}H${width}`, class: "rule" }));
  }
  drawing.append(svg("path", { d: `M0 ${HEAD}H${width}M0 ${bottom}H${width}`, class: "edge" }));
  for (const band of bands) {
    for (const gap of band.breaks) {
      drawing.append(svg("rect", { x: gap.x, y: HEAD, width: gap.width, height: bottom - HEAD, class: "break" }));
      drawing.append(svg("rect", { x: gap.x, y: HEAD, width: gap.width, height: bottom - HEAD, fill: `url(#${pattern})` }));
      const y = (HEAD + bottom) / 2, plate = measure(gap.label, "600 12px") + 14;
      drawing.append(svg("rect", { x: gap.x + gap.width / 2 - plate / 2, y: y - 11, width: plate, height: 22, rx: 11, class: "plate" }));
      drawing.append(svg("text", { x: gap.x + gap.width / 2, y: y + 4, class: "wait" }, gap.label));
    }
  }
  for (const death of scene.deaths) {
    const at = points.find(([t]) => t >= death.t)?.[1] ?? width;
    drawing.append(svg("path", { d: `M${at} ${middle(death.lane)}H${width}`, class: "dead" }));
  }
  const focusable = [];
  let tickEnd = 0;
  const note = el("p", { class: "reading", "aria-live": "polite" }, "Point at an event, or use the arrow keys, for exact times and details.");
  const read = (event) => {
    note.replaceChildren(el("b", null, exact(scene.start + event.t)), ` ${event.step ? `step ${event.step} \u00b7 ` : ""}${event.words}`,
      event.detail ? el("span", null, ` \u00b7 ${detailText(event.detail)}`) : "");
  };
  const links = svg("g"), marks = svg("g", { role: "list" });
  drawing.append(links, marks);
  for (const event of scene.events) {
    const y = middle(event.lane), kind = lanes[event.lane][1];
    if (event.device >= 0) {
      const from = middle(event.device), down = from < y ? 1 : -1;
      links.append(svg("path", { d: `M${event.x} ${from + down * 3}V${y - down * 8}`, class: `link ${event.tone}` }),
        svg("circle", { cx: event.x, cy: from, r: 3, class: `end ${event.tone}` }));
    }
    const mark = svg("g", { class: `event lane-${scene.colours[event.lane] ?? 0}`, tabindex: focusable.length ? -1 : 0, role: "listitem",
      "aria-label": `${exact(scene.start + event.t)}, ${event.words}` },
      svg("title", null, `${exact(scene.start + event.t)}\n${event.words}${event.detail ? `\n${detailText(event.detail)}` : ""}`),
      svg("rect", { x: event.x - 10, y: y - 16, width: 24 + measure(event.label, "12px"), height: 32, class: "touch", rx: 5 }),
      drawMark(event, y, kind),
      svg("text", { x: event.x + 12, y: y + (event.second ? -2 : 4), class: `what ${event.tone} ${event.kind}` }, event.label),
      event.second ? svg("text", { x: event.x + 12, y: y + 12, class: "second" }, event.secondLabel) : null);
    for (const name of ["mouseenter", "focus", "click"]) mark.addEventListener(name, () => read(event));
    focusable.push(mark);
    marks.append(mark);
    const band = bands.find((item) => item.step?.n === event.step), since = band ? event.t - band.t : 0;
    const text = `+${duration(since)}`, size = measure(text, "10.5px");
    if (since > 0 && event.x - 4 > tickEnd + 6 && event.previous !== event.t) {
      drawing.append(svg("text", { x: event.x - 5, y: bottom + 15, class: "tick" }, text));
      tickEnd = event.x - 5 + size;
    }
  }
  marks.addEventListener("keydown", (key) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key.key], at = focusable.indexOf(document.activeElement);
    if (!step || at < 0) return;
    key.preventDefault();
    const next = focusable[Math.min(Math.max(at + step, 0), focusable.length - 1)];
    focusable[at].setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  });
  const names = el("ol", { class: "lanes" }, lanes.map(([id, kind, label], index) =>
    el("li", { class: `lane-${scene.colours[index] ?? 0}`, title: `${label} (${kind})` }, el("b", null, label), kind === label || kind === id ? null : el("span", null, kind))));
  // On paper the drawing shrinks to the width, and so do the rows and the letters of the names.
  names.style.setProperty("--rows", `${HEAD}fr repeat(${lanes.length}, ${LANE}fr) ${FOOT}fr`);
  names.style.setProperty("--shrunk", Math.min(1, PAPER / width).toFixed(3));
  const frame = el("div", { class: "scroll", tabindex: -1 }, drawing);
  const broken = bands.find((band) => BAD.includes(band.step?.v));
  if (broken) requestAnimationFrame(() => { frame.scrollLeft = Math.max(broken.x - 120, 0); });
  return el("div", { class: "timeline" }, el("div", { class: "swim" }, names, frame), note);
};
