// The page: summary, list, and the inside of a scenario when it is opened.

const read = (packed) => {
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
  const fact = (name, ...value) => el("div", null, el("dt", null, name), el("dd", null, ...value));
  return el("dl", { class: "facts" },
    item.p ? fact("Parameters", item.p) : null,
    item.prof ? fact("Verifier", item.prof) : null,
    item.on ? fact("Bench", item.on) : null,
    item.tags?.length ? fact("Tags", item.tags.map((tag) => el("span", { class: "tag" }, tag))) : null,
    item.src ? fact("Source", item.src) : null,
    fact("File", el("code", null, `${item.f}:${item.l}`)),
    fact("True time", `${moment(scene.start)} to ${day(scene.start) === day(scene.start + scene.end) ? clock(scene.start + scene.end) : moment(scene.start + scene.end)} (${duration(scene.end)})`),
    fact("Seed", item.seed ?? "none"),
    fact("Ran for", `${duration(item.w ?? 0)} (wall)`),
    item.rep ? el("div", { class: "wide" }, el("dt", null, "Reproduce"), el("dd", { class: "command" }, el("code", null, item.rep), copyButton(item.rep))) : null);
};

const failure = (item, scene) => {
  if (!BAD.includes(item.v)) return null;
  const step = scene.steps.find((candidate) => BAD.includes(candidate.v));
  const line = (name, value, kind) => (value ? el("div", null, el("dt", null, name), el("dd", kind ? { class: kind } : null, value)) : null);
  const beliefs = (item.bel ?? []).map(([lane, wrong, text]) => el("tr", null,
    el("th", { scope: "row" }, scene.lanes[lane][2]), cell("Believed", text), cell("Wrong by", wrong === null ? "" : offset(wrong))));
  return el("section", { class: `block failure ${item.v}` },
    el("h4", null, step ? `Step ${step.n}, ${step.do}` : WORDS[item.v]),
    step ? el("p", { class: "source" }, el("span", null, `${item.f}:${step.line}`), el("code", null, step.text)) : null,
    el("dl", null,
      line("Expected", step?.expected), line("Got", step?.outcome, "got"), line("Message", step?.message),
      line("Why", step?.why || item.why)),
    beliefs.length ? table("What each clock believed", ["Clock", "Believed", "Wrong by"], beliefs, "beliefs") : null);
};

const measurements = (item) => (item.m?.length ? el("section", { class: "block" }, el("h4", null, "Measurements"),
  table("Measurements", ["Measurement", "Value", "Limit", "Verdict", "Step"], item.m.map(([name, value, unit, limit, verdict, step]) =>
    el("tr", { class: verdict }, el("th", { scope: "row" }, name), cell("Value", el("span", { class: "value" }, String(value)), unit ? ` ${unit}` : ""),
      cell("Limit", limit || "none"), cell("Verdict", badge(verdict, true)), cell("Step", String(step)))), "measurements")) : null);

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
    if (item.cut) box.append(el("p", { class: "reading" }, `${plural(item.cut, "event")} of this passing scenario left out between the first and the last; the event log has them.`));
  });
  return box;
};

const inside = (item) => {
  const scene = read(item);
  return [failure(item, scene), facts(item, scene),
    scene.events.length || scene.steps.length ? el("section", { class: "block" }, el("h4", null, "Timeline"), timeline(scene)) : null,
    plots(scene), measurements(item), scene.steps.length ? stepTable(scene) : null, scene.events.length ? eventTable(item, scene) : null].filter(Boolean);
};

const row = (item, data) => {
  const place = `inside-${item.index}`;
  const region = el("div", { id: place, class: "inside", role: "region", "aria-label": item.s ?? item.id, hidden: true });
  const button = el("button", { type: "button", class: "open", "aria-expanded": "false", "aria-controls": place },
    badge(item.v),
    el("span", { class: "title" }, item.s || item.id),
    el("span", { class: "id" }, item.id, data.runs.length > 1 ? el("span", { class: "run" }, data.runs[item.r].label) : null),
    el("span", { class: "span", title: "true time" }, duration(item.d ?? 0)),
    el("span", { class: "wall", title: "wall time" }, duration(item.w ?? 0)),
    BAD.includes(item.v) && item.why ? el("span", { class: "because" }, item.why.split("\n")[0]) : null);
  const entry = el("article", { class: `case ${item.v}`, "data-case": item.id },
    el("h3", null, button), region);
  const toggle = (open) => {
    button.setAttribute("aria-expanded", String(open));
    region.hidden = !open;
    entry.classList.toggle("opened", open);
    if (open && !region.childElementCount) region.append(...inside(item));
  };
  button.addEventListener("click", () => {
    const open = region.hidden;
    toggle(open);
    history.replaceState(null, "", open ? `#${encodeURIComponent(item.link)}` : "#");
  });
  return Object.assign(item, { entry, button, toggle });
};

const bar = (counts) => el("div", { class: "bar", "aria-hidden": "true" }, VERDICTS.filter((verdict) => counts.get(verdict)).map((verdict) => {
  const part = el("span", { class: verdict });
  part.style.flexGrow = counts.get(verdict);
  return part;
}));

const summary = (data, filter) => {
  const { cases, runs } = data, counts = count(cases, (item) => item.v);
  const bad = BAD.reduce((sum, verdict) => sum + (counts.get(verdict) ?? 0), 0);
  const planned = runs.reduce((sum, run) => sum + run.planned, 0), killed = runs.filter((run) => run.wall === null).length;
  const life = cases.reduce((sum, item) => sum + (item.d ?? 0), 0);
  const wall = runs.every((run) => run.wall !== null) ? runs.reduce((sum, run) => sum + run.wall, 0) : null;
  const headline = bad ? `${bad} of ${plural(cases.length, "scenario")} ${bad === 1 ? "needs" : "need"} attention`
    : cases.length ? `${counts.get("passed") === cases.length ? "All " : ""}${plural(counts.get("passed") ?? 0, "scenario")} passed` : "No scenarios ran";
  const datum = (name, value) => el("div", null, el("dt", null, name), el("dd", null, value));
  const only = runs.length === 1 ? runs[0] : null;
  const section = document.getElementById("summary");
  section.replaceChildren(
    el("h1", { id: "headline" }, headline),
    bar(counts),
    el("p", { class: "tally" }, VERDICTS.filter((verdict) => counts.get(verdict)).map((verdict) =>
      el("span", null, badge(verdict), ` ${counts.get(verdict).toLocaleString("en")} ${verdict}`))),
    killed ? el("p", { class: "killed" }, `${only ? "The run was" : plural(killed, "run was", "runs were")} interrupted: ${plural(Math.max(planned - cases.length, 0), "planned scenario")} never started.`) : "",
    el("dl", { class: "data" },
      only ? datum("Seed", only.seed) : datum("Runs", String(runs.length)),
      datum("Wall time", wall === null ? "unknown" : duration(wall)),
      datum("Device life", duration(life)),
      only ? datum("Started", moment(only.started)) : null,
      only ? datum("mfalab", only.version) : null));
  const topics = [...count(cases, (item) => item.t ?? "")].sort(([a], [b]) => (a < b ? -1 : 1));
  const topicRow = ([topic, total]) => {
    const own = cases.filter((item) => (item.t ?? "") === topic), passed = own.filter((item) => item.v === "passed").length;
    return el("li", null, el("button", { type: "button", onclick: () => { filter.set("topic", topic); document.getElementById("scenarios").scrollIntoView(); } },
      el("span", { class: "name" }, topic || "no topic"), bar(count(own, (item) => item.v)), el("span", { class: "number" }, `${passed} of ${total}`)));
  };
  const slowest = [...cases].sort((a, b) => (b.w ?? 0) - (a.w ?? 0)).slice(0, 6);
  const caseLink = (item, ...extra) => el("li", null, el("a", { href: `#${encodeURIComponent(item.link)}` },
    el("span", { class: "name" }, item.id, data.runs.length > 1 ? ` (${data.runs[item.r].label})` : ""), ...extra));
  const columns = el("div", { class: "columns" },
    el("section", null, el("h2", null, "Topics"), el("ul", { class: "topics" }, topics.map(topicRow))),
    el("section", null, el("h2", null, "Slowest"), el("ol", { class: "slowest" },
      slowest.map((item) => caseLink(item, el("span", { class: "number" }, duration(item.w ?? 0)))))));
  section.append(columns);
  if (runs.length > 1) columns.before(comparison(data));
};

const list = (data, filter) => {
  // A case of several runs stays together.
  const sorted = data.rows ? data.rows.flatMap(([, places]) => places.filter((place) => place !== null).map((place) => data.cases[place])) : data.cases;
  const groups = [{ name: "Needs attention", items: sorted.filter((item) => BAD.includes(item.v)) }];
  for (const topic of [...new Set(sorted.map((item) => item.t ?? ""))].sort()) {
    groups.push({ name: topic || "no topic", items: sorted.filter((item) => (item.t ?? "") === topic && !BAD.includes(item.v)) });
  }
  const heads = groups.filter((group) => group.items.length).map((group) => {
    const number = el("span", { class: "number" });
    const node = el("section", { class: "group" }, el("h2", null, group.name, number), group.items.map((item) => row(item, data).entry));
    return { ...group, node, number };
  });
  const nothing = el("p", { class: "nothing", hidden: true }, "No scenario matches. ", el("button", { type: "button", class: "quiet", onclick: () => filter.bar.reset() }, "Clear the filter"));
  const update = () => {
    let shown = 0;
    for (const group of heads) {
      let here = 0;
      for (const item of group.items) {
        item.entry.hidden = !filter.matches(item);
        here += item.entry.hidden ? 0 : 1;
      }
      group.node.hidden = here === 0;
      group.number.textContent = here === group.items.length ? String(here) : `${here} of ${group.items.length}`;
      shown += here;
    }
    nothing.hidden = shown > 0;
    filter.say(shown === data.cases.length ? plural(shown, "scenario") : `${shown.toLocaleString("en")} of ${plural(data.cases.length, "scenario")}`);
  };
  document.getElementById("scenarios").append(filter.bar, filter.line, ...heads.map((group) => group.node), nothing,
    el("p", { class: "keys" }, el("kbd", null, "/"), " search ", el("kbd", null, "j"), " ", el("kbd", null, "k"), " next, previous ", el("kbd", null, "Enter"), " open"));
  return { update, visible: () => heads.flatMap((group) => group.items).filter((item) => !item.entry.hidden) };
};

const keyboard = (filter, shown) => {
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && typing === filter.search) filter.bar.reset();
    else if (event.key === "ArrowDown" && typing === filter.search) {
      event.preventDefault();
      shown.visible()[0]?.button.focus();
    } else if (!typing && event.key === "/") {
      event.preventDefault();
      filter.search.focus();
      filter.search.select();
    } else if (!typing && (event.key === "j" || event.key === "k")) {
      const items = shown.visible(), at = items.findIndex((item) => item.entry.contains(document.activeElement));
      items[Math.min(Math.max(at + (event.key === "j" ? 1 : -1), 0), items.length - 1)]?.button.focus();
    }
  });
};

const theming = () => {
  const button = document.getElementById("theme"), themes = ["system", "light", "dark"];
  let theme = "system";
  try { theme = localStorage.getItem("mfalab-theme") ?? "system"; } catch { /* a page from a file may have no storage */ }
  const apply = (name) => {
    if (name === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
    redraw();
  };
  const show = () => {
    button.textContent = `Theme: ${theme}`;
    apply(theme);
  };
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    try { localStorage.setItem("mfalab-theme", theme); } catch { /* as above */ }
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("beforeprint", () => {
    apply("light");
    for (const details of document.querySelectorAll(".opened details")) details.open = true;
  });
  addEventListener("afterprint", show);
  show();
};

const start = async () => {
  const data = JSON.parse(await inflate("data"));
  const taken = new Map();
  for (const [index, item] of data.cases.entries()) {
    item.index = index;
    item.st ??= [];
    item.link = data.runs.length > 1 ? `${item.id}~${item.r + 1}` : item.id;
    if (taken.has(item.link)) item.link += `~${item.f}`;
    taken.set(item.link, item);
  }
  let shown = null;
  const filter = filterBar(data, () => shown?.update());
  theming();
  summary(data, filter);
  shown = list(data, filter);
  shown.update();
  keyboard(filter, shown);
  const follow = () => {
    let name = location.hash.slice(1);
    try { name = decodeURIComponent(name); } catch { /* then it names no case */ }
    const item = taken.get(name) ?? taken.get(`${name}~1`);
    if (!item) return;
    if (item.entry.hidden) filter.bar.reset();
    item.toggle(true);
    setTimeout(() => { item.entry.scrollIntoView(); item.button.focus({ preventScroll: true }); });
  };
  addEventListener("hashchange", follow);
  follow();
  document.documentElement.dataset.state = "ready";
};

start().catch((error) => {
  const trouble = document.getElementById("trouble");
  trouble.hidden = false;
  trouble.textContent = typeof DecompressionStream === "undefined"
    ? "This browser cannot unpack the report (it has no DecompressionStream). Open it in a browser of 2023 or later."
    : `The report could not be shown: ${error.message}`;
  throw error;
});
