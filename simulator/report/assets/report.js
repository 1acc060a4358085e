// The page: summary, list, and the inside of a scenario when it is opened.

const sceneOf = (packed) => {
  const lanes = packed.ln ?? [], start = packed.t0 ?? 0, end = packed.d ?? 0;
  const colours = {};
  let devices = 0;
  lanes.forEach(([, kind], index) => { colours[index] = kind === "device" ? 1 + (devices++ % 6) : 0; });
  const steps = packed.st.map(([n, does, line, text, v, outcome, message, expected, why, t0, t1]) =>
    ({ n, do: does, line, text, v, outcome, message, expected, why, t0, t1 }));
  const events = (packed.ev ?? []).map((row) => readEvent(row, lanes));
  events.forEach((event, index) => { event.previous = events[index - 1]?.t; });
  const clocks = (packed.ck ?? []).map(([lane, times, values, dead]) => ({ lane, times, values, dead: new Set(dead) }));
  const deaths = clocks.filter(({ dead }) => dead.size).map(({ lane, times, dead }) => ({ lane, t: times[Math.min(...dead)] }));
  const windows = events.filter((event) => event.window).map((event) => ({ t: event.t, lane: event.lane, ...event.window }));
  const room = document.getElementById("scenarios").clientWidth - 210; // what lane names and margins leave
  return { lanes, start, end, colours, steps, events, clocks, deaths, windows, room };
};

const table = (caption, heads, rows, kind) => el("div", { class: "tablebox" }, el("table", { class: kind },
  el("caption", { class: "hidden" }, caption),
  el("thead", null, el("tr", null, heads.map((head) => el("th", { scope: "col" }, head)))),
  el("tbody", null, rows)));
const cell = (label, ...children) => el("td", { "data-label": label }, ...children);

const copyButton = (text) => el("button", {
  type: "button", class: "copy",
  onclick: async (event) => {
    const button = event.currentTarget;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = el("textarea", { class: "hidden" });
      area.value = text;
      button.after(area);
      area.select();
      document.execCommand("copy"); // a page from a file may have no clipboard of its own
      area.remove();
      button.focus();
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  },
}, "Copy");

const facts = (item, scene) => {
  return el("dl", { class: "facts" },
    item.p ? datum("Parameters", item.p) : null,
    item.prof ? datum("Verifier", item.prof) : null,
    item.on ? datum("Bench", item.on) : null,
    item.tags?.length ? datum("Tags", item.tags.map((tag) => el("span", { class: "tag" }, tag))) : null,
    item.src ? datum("Source", item.src) : null,
    datum("File", el("code", null, `${item.f}:${item.l}`)),
    datum("True time", `${moment(scene.start)} to ${day(scene.start) === day(scene.start + scene.end) ? clock(scene.start + scene.end) : moment(scene.start + scene.end)} (${duration(scene.end)})`),
    datum("Seed", item.seed ?? "none"),
    datum("Ran for", `${duration(item.w ?? 0)} (wall)`),
    item.rep ? el("div", { class: "wide" }, el("dt", null, "Reproduce"), el("dd", { class: "command" }, el("code", null, item.rep), copyButton(item.rep))) : null);
};

const failure = (item, scene) => {
  if (!bad(item)) return null;
  const step = scene.steps.find((candidate) => BAD.includes(candidate.v));
  const beliefs = (item.bel ?? []).map(([lane, wrong, text]) => el("tr", null,
    el("th", { scope: "row" }, scene.lanes[lane][2]), cell("Believed", text), cell("Wrong by", wrong === null ? "" : offset(wrong))));
  return el("section", { class: `block failure ${item.v}` },
    el("h4", null, step ? `Step ${step.n}, ${step.do}` : WORDS[item.v]),
    step ? el("p", { class: "source" }, el("span", null, `${item.f}:${step.line}`), el("code", null, step.text)) : null,
    el("dl", null,
      said("Expected", step?.expected), said("Got", step?.outcome, "got"), said("Message", step?.message),
      said("Why", step?.why || item.why)),
    beliefs.length ? table("What each clock believed", ["Clock", "Believed", "Wrong by"], beliefs, "beliefs") : null);
};

const measurements = (item) => (item.m?.length ? el("section", { class: "block" }, el("h4", null, "Measurements"),
  table("Measurements", ["Measurement", "Value", "Limit", "Verdict", "Step"], item.m.map(([name, value, unit, limit, verdict, step]) =>
    el("tr", { class: verdict }, el("th", { scope: "row" }, name), cell("Value", el("span", { class: "value" }, String(value)), unit ? ` ${unit}` : ""),
      cell("Limit", limit || "none"), cell("Verdict", badge(verdict, true)), cell("Step", String(step)))), "measurements"),
  item.mcut ? el("p", { class: "reading" }, `${plural(item.mcut, "measurement")} left out between the first and the last; the event log has them.`) : null) : null);

const stepTable = (scene) => el("section", { class: "block" }, el("h4", null, "Steps"),
  table("Steps", ["Step", "Source", "Expected", "Got", "True time"], scene.steps.map((step) =>
    el("tr", { class: step.v }, el("th", { scope: "row" }, badge(step.v), String(step.n)),
      cell("Source", el("code", null, step.text)),
      cell("Expected", step.expected),
      cell("Got", step.outcome, step.message ? el("p", { class: "said" }, step.message) : null, step.why ? el("p", { class: "whyline" }, step.why) : null),
      cell("True time", el("span", { class: "nowrap" }, day(scene.start + step.t0)), " ", el("span", { class: "nowrap" }, clock(scene.start + step.t0)),
        step.t1 - step.t0 >= MINUTE ? el("span", { class: "nowrap" }, ` for ${duration(step.t1 - step.t0)}`) : null))), "steps"));

const eventTable = (item, scene) => {
  const box = el("details", { class: "block" }, el("summary", null, `All ${plural(scene.events.length, "event")} in order`));
  box.addEventListener("toggle", () => {
    if (box.children.length > 1) return;
    box.append(table("Events", ["True time", "Step", "Lane", "What", "Detail"], scene.events.map((event) =>
      el("tr", null, cell("True time", el("span", { class: "nowrap" }, exact(scene.start + event.t))), cell("Step", event.step ? String(event.step) : ""),
        cell("Lane", scene.lanes[event.lane][2]), cell("What", [event.second, event.first].filter(Boolean).join(": ")), cell("Detail", detailText(event.detail)))), "events"));
    if (item.cut) box.append(el("p", { class: "reading" }, `${plural(item.cut, "event")} of this scenario left out between the first and the last; the event log has them.`));
  });
  return box;
};

const inside = (item) => {
  const scene = sceneOf(item);
  return [failure(item, scene), facts(item, scene),
    scene.events.length || scene.steps.length ? el("section", { class: "block" }, el("h4", null, "Timeline"), timeline(scene)) : null,
    plots(scene), measurements(item), scene.steps.length ? stepTable(scene) : null, scene.events.length ? eventTable(item, scene) : null];
};

const shown = (item, data) => [
  el("span", { class: "title" }, item.name),
  el("span", { class: "id" }, item.id, data.runs.length > 1 ? el("span", { class: "run" }, data.runs[item.r].label) : null),
  el("span", { class: "span", title: "true time" }, duration(item.d ?? 0)),
  el("span", { class: "wall", title: "wall time" }, duration(item.w ?? 0)),
  bad(item) && item.why ? el("span", { class: "because" }, item.why.split("\n")[0]) : null];

const headlineOf = (cases, runs, planned) => {
  const failed = cases.filter(bad).length, passed = verdictsOf(cases).get("passed") ?? 0;
  if (failed) return `${failed} of ${plural(cases.length, "scenario")} ${failed === 1 ? "needs" : "need"} attention`;
  if (runs.some((run) => run.wall === null)) return `Interrupted after ${cases.length} of ${plural(planned, "scenario")}`;
  return cases.length ? `${passed === cases.length && passed > 1 ? "All " : ""}${plural(passed, "scenario")} passed` : "No scenarios ran";
};

const summary = (data, page, filter) => {
  const { cases, runs } = data, counts = verdictsOf(cases);
  const planned = runs.reduce((sum, run) => sum + run.planned, 0), killed = runs.filter((run) => run.wall === null).length;
  const life = cases.reduce((sum, item) => sum + (item.d ?? 0), 0);
  const wall = killed ? null : runs.reduce((sum, run) => sum + run.wall, 0);
  const benches = [...new Set(cases.map((item) => item.on).filter(Boolean))];
  const only = runs.length === 1 ? runs[0] : null;
  const slowest = [...cases].sort((a, b) => (b.w ?? 0) - (a.w ?? 0)).slice(0, 6);
  return [
    el("h1", { id: "headline" }, headlineOf(cases, runs, planned) + (benches.length === 1 ? ` on ${benches[0]}` : "")),
    bar(counts), tally(counts),
    killed ? el("p", { class: "killed" }, `${only ? "The run was" : plural(killed, "run was", "runs were")} interrupted: ${plural(Math.max(planned - cases.length, 0), "planned scenario")} never started.`) : null,
    el("dl", { class: "data" },
      only ? datum("Seed", only.seed) : datum("Runs", String(runs.length)),
      datum("Wall time", wall === null ? "unknown" : duration(wall)),
      datum("Device life", duration(life)),
      only ? datum("Started", moment(only.started)) : null,
      only ? datum("mfalab", only.version) : null),
    only ? null : comparison(data),
    el("div", { class: "columns" },
      el("section", null, el("h2", null, "Topics"), el("ul", { class: "topics" },
        page.groups.map(([topic, name]) => groupLine(page, filter, "topic", topic, name, (passed, own) => `${passed} of ${own.length}`)))),
      el("section", null, el("h2", null, "Slowest"), el("ol", { class: "slowest" }, slowest.map((item) =>
        el("li", null, el("a", { href: `#${encodeURIComponent(item.link)}` },
          el("span", { class: "name" }, item.id, only ? "" : ` (${runs[item.r].label})`),
          el("span", { class: "number" }, duration(item.w ?? 0)))))))),
  ];
};

const filterOf = (data) => {
  const sorted = (key) => [...count(data.cases, key)].filter(([value]) => value).sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([value, number]) => [value, `${value} (${number})`]);
  const boxes = [
    { name: "topic", all: "All topics", options: sorted((item) => item.t), has: (item, topic) => item.t === topic },
    { name: "tag", all: "All tags", options: sorted((item) => item.tags ?? []), has: (item, tag) => item.tags?.includes(tag) }];
  if (data.runs.length > 1) {
    boxes.push({ name: "run", all: "All runs", options: data.runs.map((run, index) => [index, run.label]), has: (item, run) => item.r === Number(run) });
  }
  for (const box of boxes) box.label = box.all;
  return { placeholder: "Search titles, tags, steps", boxes };
};

const read = (data) => {
  const taken = new Map();
  for (const [index, item] of data.cases.entries()) {
    item.st ??= [];
    Object.assign(item, { index, verdict: item.v, group: item.t ?? "", name: item.s || item.id });
    item.texts = () => [item.id, item.s, item.t, item.f, item.p, item.src, item.prof, item.why, ...(item.tags ?? []),
      ...item.st.flatMap((step) => [step[3], step[5], step[6]])];
    item.link = data.runs.length > 1 ? `${item.id}~${item.r + 1}` : item.id;
    if (taken.has(item.link)) item.link += `~${item.f}`;
    taken.set(item.link, item);
  }
  const page = {
    // A case of several runs stays together.
    entries: data.rows ? data.rows.flatMap(([, places]) => places.filter((place) => place !== null).map((place) => data.cases[place])) : data.cases,
    section: document.getElementById("scenarios"), noun: "scenario",
    groups: [...new Set(data.cases.map((item) => item.group))].sort().map((topic) => [topic, topic || "no topic"]),
    filter: filterOf(data),
    rowOf: (item) => ({ marks: { "data-case": item.id }, shown: shown(item, data), inside: () => inside(item) }),
    find: (name) => taken.get(name) ?? taken.get(`${name}~1`),
    summary: (filter) => summary(data, page, filter),
    redraw, beforePrint: () => { for (const details of document.querySelectorAll(".opened details")) details.open = true; },
  };
  return page;
};

openPage(read).catch(tellTrouble);
