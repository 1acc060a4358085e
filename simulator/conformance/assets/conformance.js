// The page of a run: summary, chapters, timings, and the tests with their traces.

const MS = 1e6;
const ms = (ns) => {
  const value = ns / MS;
  if (value >= 10000) return [short(value / 1000), "s"];
  return [value === 0 ? "0" : value < 9.95 ? value.toFixed(2) : value.toFixed(value < 99.5 ? 1 : 0), "ms"];
};
const lasting = (ns) => ms(ns).join(NB);
const count = (items, key) => {
  const counts = new Map();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return counts;
};
const present = (counts) => VERDICTS.filter((verdict) => counts.get(verdict));

const bar = (counts) => el("div", { class: "bar", "aria-hidden": "true" }, present(counts).map((verdict) => {
  const part = el("span", { class: verdict });
  part.style.flexGrow = counts.get(verdict);
  return part;
}));

const datum = (name, ...value) => el("div", null, el("dt", null, name), el("dd", null, ...value));

const firmware = (number) => (number === null ? null : number > 0xffff
  ? `${number >>> 16}.${(number >>> 8) & 255}.${number & 255}` : String(number));
const aaguid = (hex) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

const headlineOf = (data, counts) => {
  const bad = BAD.reduce((sum, verdict) => sum + (counts.get(verdict) ?? 0), 0), passed = counts.get("passed") ?? 0;
  if (bad) return `${bad} of ${plural(bad + passed, "test")} ${bad === 1 ? "needs" : "need"} attention`;
  if (!passed) return "No test could be run";
  return `${plural(passed, "test")} passed, none failed`;
};

const timings = (data) => el("section", null, el("h2", null, "Timings"), data.timings.length ? el("div", { class: "tablebox" }, el("table", { class: "timings" },
  el("caption", { class: "hidden" }, "Timings with their spread"),
  el("thead", null, el("tr", null, ["", "median", "p95", "n"].map((head) => el("th", { scope: "col" }, head || el("span", { class: "hidden" }, "What"))))),
  el("tbody", null, data.timings.map((each) => el("tr", null, el("th", { scope: "row" }, each.name),
    ["median_ns", "p95_ns"].map((name) => { const [value, unit] = ms(each[name]); return el("td", null, value, el("span", { class: "unit" }, NB + unit)); }),
    el("td", null, each.count.toLocaleString("en"))))))) : el("p", { class: "said" }, "Nothing was measured."));

const about = (key) => {
  const list = (values) => (values.length ? values.map((value) => el("span", { class: "tag" }, String(value))) : "none");
  const options = Object.entries(key.options);
  return el("details", { class: "key-facts" }, el("summary", null, "What the key announces"), el("dl", { class: "facts" },
    datum("Versions", list(key.versions)), datum("Extensions", list(key.extensions)), datum("Transports", list(key.transports)),
    datum("PIN/UV auth protocols", list(key.protocols)), datum("Algorithms (COSE)", list(key.algorithms)),
    key.capabilities === null ? null : datum("Capability flags", `0x${key.capabilities.toString(16).padStart(2, "0")}`),
    el("div", { class: "wide" }, el("dt", null, "Options; struck out are those that are false"), el("dd", { class: "options" },
      options.length ? options.map(([name, value]) => el("span", { class: value ? "tag" : "tag off" }, name, value ? null : el("span", { class: "hidden" }, " false"))) : "none"))));
};

const summary = (data, filter) => {
  const counts = count(data.tests, (test) => test.verdict);
  const chapters = [...count(data.tests, (test) => test.chapter).keys()];
  const chapterRow = (name) => {
    const own = data.tests.filter((test) => test.chapter === name), passed = own.filter((test) => test.verdict === "passed").length;
    const run = own.filter((test) => test.verdict !== "skipped").length;
    return el("li", null, el("button", { type: "button", onclick: () => { filter.set("chapter", name); document.getElementById("tests").scrollIntoView(); } },
      el("span", { class: "name" }, name), bar(count(own, (test) => test.verdict)), el("span", { class: "number" }, run ? `${passed} of ${run}` : "skipped")));
  };
  const key = data.key, started = data.started_ns / MS;
  document.getElementById("summary").replaceChildren(
    el("h1", { id: "headline" }, headlineOf(data, counts)),
    bar(counts),
    el("p", { class: "tally" }, present(counts).map((verdict) => el("span", null, badge(verdict), ` ${counts.get(verdict).toLocaleString("en")} ${verdict}`))),
    data.ended ? el("p", { class: "said-first", role: "alert" }, `The run ended early: ${data.ended}.`) : "",
    ...data.notes.map((note) => el("p", { class: "said-first note" }, note)),
    el("dl", { class: "data" },
      datum("Device", data.device), datum("Versions", key.versions.join(", ") || "unknown"),
      key.aaguid ? datum("AAGUID", el("code", null, aaguid(key.aaguid))) : null,
      key.firmware === null ? null : datum("Firmware", firmware(key.firmware)),
      datum("Destructive tests", data.destructive ? "yes" : "no"),
      started > 9e11 ? datum("Started", moment(started)) : null,
      datum("Lasted", duration(data.lasted_ns / MS)), datum("mfalab", data.mfalab)),
    el("div", { class: "columns" },
      el("section", null, el("h2", null, "Chapters"), el("ul", { class: "topics" }, chapters.map(chapterRow))),
      timings(data)),
    about(key));
};

const haystack = (test) => (test.hay ??= [test.id, test.chapter, test.section, test.behaviour, test.requirement, test.why, test.expected, test.got,
  ...(test.trace ?? []).map((line) => line.text)].join("\n").toLowerCase());

const filterBar = (data, changed) => {
  const state = { text: "", verdicts: new Set(), chapter: "" };
  const matches = (test) => (!state.verdicts.size || state.verdicts.has(test.verdict)) && (!state.chapter || test.chapter === state.chapter)
    && state.text.toLowerCase().split(/\s+/).every((word) => haystack(test).includes(word));
  const search = el("input", { type: "search", id: "search", placeholder: "Search behaviour, sections, traces", autocomplete: "off", spellcheck: "false",
    "aria-keyshortcuts": "/", oninput: () => { state.text = search.value; changed(); } });
  const chapter = el("select", { id: "by-chapter", onchange: () => { state.chapter = chapter.value; changed(); } },
    el("option", { value: "" }, "All chapters"), [...count(data.tests, (test) => test.chapter)].map(([name, number]) => el("option", { value: name }, `${name} (${number})`)));
  const verdicts = count(data.tests, (test) => test.verdict);
  const chips = present(verdicts).map((verdict) => el("button", {
    type: "button", class: "chip", "aria-pressed": "false", "data-verdict": verdict,
    onclick: (event) => {
      state.verdicts.delete(verdict) || state.verdicts.add(verdict);
      event.currentTarget.setAttribute("aria-pressed", String(state.verdicts.has(verdict)));
      changed();
    },
  }, badge(verdict, true), el("span", { class: "number" }, verdicts.get(verdict).toLocaleString("en"))));
  const status = el("span", { role: "status" }), clear = el("button", { type: "button", class: "quiet", onclick: () => form.reset() }, "Clear the filter");
  const form = el("form", { class: "filter", role: "search", onsubmit: (event) => event.preventDefault() },
    el("label", { class: "search" }, el("span", { class: "hidden" }, "Search"), search, el("kbd", { "aria-hidden": "true" }, "/")),
    el("div", { class: "chips", role: "group", "aria-label": "Verdict" }, chips),
    el("label", null, el("span", { class: "hidden" }, "Chapter"), chapter));
  form.addEventListener("reset", () => {
    Object.assign(state, { text: "", chapter: "" });
    state.verdicts.clear();
    for (const chip of chips) chip.setAttribute("aria-pressed", "false");
    setTimeout(changed);
  });
  return {
    form, search, matches, line: el("p", { class: "status" }, status, clear),
    say: (text) => { status.textContent = text; clear.hidden = !(state.text || state.verdicts.size || state.chapter); },
    set: (name, value) => { state[name] = value; if (name === "chapter") chapter.value = value; changed(); },
  };
};

const trace = (lines) => el("ol", { class: "trace" }, lines.map((line) => {
  if (!line.way) return el("li", null, el("span", { class: "at" }), el("span", { class: "way" }), el("span", { class: "channel" }), el("span", { class: "what aside" }, line.text));
  const out = line.way === "to key";
  return el("li", { class: out ? "out" : "in" }, el("span", { class: "at" }, lasting(line.after_ns)),
    el("span", { class: "way", title: line.way }, out ? "\u2192" : "\u2190", el("span", { class: "hidden" }, ` ${line.way}`)),
    el("span", { class: "channel", title: "CTAPHID channel" }, line.channel ?? ""),
    el("span", { class: "what" }, line.text, line.times > 1 ? el("span", { class: "times" }, ` (${line.times} times)`) : null));
}));

const inside = (test) => {
  const line = (name, value, kind) => (value ? el("div", null, el("dt", null, name), el("dd", kind ? { class: kind } : null, value)) : null);
  const needs = [...test.needs.map((name) => name.toLowerCase()), test.pin === "set" ? "a PIN" : test.pin === "absent" ? "no PIN" : null,
    test.touches ? plural(test.touches, "touch", "touches") : null].filter(Boolean);
  return [
    BAD.includes(test.verdict) ? el("section", { class: `block failure ${test.verdict}` }, el("h4", null, WORDS[test.verdict]), el("dl", null,
      line("Expected", test.expected), line("Got", test.got, "got"), line("Why", test.why))) : null,
    test.verdict === "skipped" ? el("p", { class: "block" }, `Skipped: ${test.why}.`) : null,
    el("section", { class: "block" }, el("p", { class: "rule" }, el("b", null, test.section), " ", test.requirement),
      el("dl", { class: "facts" }, datum("Test", el("code", null, test.id)), datum("Needs", needs.join(", ") || "nothing more"),
        datum("Changes", test.changes || "nothing that the user owns", test.destructive ? el("span", { class: "said" }, " (destructive)") : null),
        test.verdict === "skipped" ? null : datum("Took", lasting(test.lasted_ns)))),
    test.trace ? el("section", { class: "block" }, el("h4", null, "What passed"), trace(test.trace)) : null,
  ].filter(Boolean);
};

const row = (test) => {
  const region = el("div", { id: `inside-${test.index}`, class: "inside", role: "region", "aria-label": test.behaviour, hidden: true });
  const button = el("button", { type: "button", class: "open", "aria-expanded": "false", "aria-controls": region.id },
    badge(test.verdict), el("span", { class: "title" }, test.behaviour), el("span", { class: "id" }, test.section),
    el("span", { class: "span" }, test.verdict === "skipped" ? "" : lasting(test.lasted_ns)),
    BAD.includes(test.verdict) ? el("span", { class: "because" }, test.got ? `Got ${test.got}` : test.why) : null,
    test.verdict === "skipped" ? el("span", { class: "because" }, test.why) : null);
  const entry = el("article", { class: `case ${test.verdict}`, "data-test": test.id }, el("h3", null, button), region);
  const toggle = (open) => {
    button.setAttribute("aria-expanded", String(open));
    region.hidden = !open;
    entry.classList.toggle("opened", open);
    if (open && !region.childElementCount) region.append(...inside(test));
  };
  button.addEventListener("click", () => {
    const open = region.hidden;
    toggle(open);
    history.replaceState(null, "", open ? `#${encodeURIComponent(test.id)}` : "#");
  });
  return Object.assign(test, { entry, button, toggle });
};

const list = (data, filter) => {
  const groups = [{ name: "Needs attention", tests: data.tests.filter((test) => BAD.includes(test.verdict)) }];
  for (const name of count(data.tests, (test) => test.chapter).keys()) {
    groups.push({ name, tests: data.tests.filter((test) => test.chapter === name && !BAD.includes(test.verdict)) });
  }
  const heads = groups.filter((group) => group.tests.length).map((group) => {
    const number = el("span", { class: "number" });
    return { ...group, number, node: el("section", { class: "group" }, el("h2", null, group.name, number), group.tests.map((test) => row(test).entry)) };
  });
  const nothing = el("p", { class: "nothing", hidden: true }, "No test matches. ", el("button", { type: "button", class: "quiet", onclick: () => filter.form.reset() }, "Clear the filter"));
  const update = () => {
    let shown = 0;
    for (const group of heads) {
      let here = 0;
      for (const test of group.tests) {
        test.entry.hidden = !filter.matches(test);
        here += test.entry.hidden ? 0 : 1;
      }
      group.node.hidden = here === 0;
      group.number.textContent = here === group.tests.length ? String(here) : `${here} of ${group.tests.length}`;
      shown += here;
    }
    nothing.hidden = shown > 0;
    filter.say(shown === data.tests.length ? plural(shown, "test") : `${shown.toLocaleString("en")} of ${plural(data.tests.length, "test")}`);
  };
  document.getElementById("tests").append(filter.form, filter.line, ...heads.map((group) => group.node), nothing,
    el("p", { class: "keys" }, el("kbd", null, "/"), " search ", el("kbd", null, "j"), " ", el("kbd", null, "k"), " next, previous ", el("kbd", null, "Enter"), " open"));
  return { update, visible: () => heads.flatMap((group) => group.tests).filter((test) => !test.entry.hidden) };
};

const keyboard = (filter, shown) => document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && typing === filter.search) filter.form.reset();
  else if (event.key === "ArrowDown" && typing === filter.search) {
    event.preventDefault();
    shown.visible()[0]?.button.focus();
  } else if (!typing && event.key === "/") {
    event.preventDefault();
    filter.search.focus();
    filter.search.select();
  } else if (!typing && (event.key === "j" || event.key === "k")) {
    const tests = shown.visible(), at = tests.findIndex((test) => test.entry.contains(document.activeElement));
    tests[Math.min(Math.max(at + (event.key === "j" ? 1 : -1), 0), tests.length - 1)]?.button.focus();
  }
});

const theming = (tests) => {
  const button = document.getElementById("theme"), themes = ["system", "light", "dark"];
  let theme = "system";
  try { theme = localStorage.getItem("mfalab-theme") ?? "system"; } catch { /* a page from a file may have no storage */ }
  const apply = (name) => {
    if (name === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
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
  addEventListener("beforeprint", () => {
    apply("light");
    for (const test of tests) if (BAD.includes(test.verdict)) test.toggle(true);
  });
  addEventListener("afterprint", show);
  show();
};

const start = async () => {
  const data = JSON.parse(await inflate("data"));
  data.tests.forEach((test, index) => { test.index = index; });
  let shown = null;
  const filter = filterBar(data, () => shown?.update());
  theming(data.tests);
  summary(data, filter);
  shown = list(data, filter);
  shown.update();
  keyboard(filter, shown);
  const follow = () => {
    let name = location.hash.slice(1);
    try { name = decodeURIComponent(name); } catch { /* then it names no test */ }
    const test = data.tests.find((each) => each.id === name);
    if (!test) return;
    if (test.entry.hidden) filter.form.reset();
    test.toggle(true);
    setTimeout(() => { test.entry.scrollIntoView(); test.button.focus({ preventScroll: true }); });
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
