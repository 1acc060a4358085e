// The page of a run: summary, chapters, timings, and the tests with their traces.

const MS = 1e6;
const ms = (ns) => {
  const value = ns / MS;
  if (value >= 10000) return [short(value / 1000), "s"];
  return [value > 0 && value < 0.005 ? `<${NB}0.01` : value === 0 ? "0" : value < 9.95 ? value.toFixed(2) : value.toFixed(value < 99.5 ? 1 : 0), "ms"];
};
const lasting = (ns) => ms(ns).join(NB);

const firmware = (number) => (number === null ? null : number > 0xffff
  ? `${number >>> 16}.${(number >>> 8) & 255}.${number & 255}` : String(number));
const aaguid = (hex) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

const headlineOf = (tests) => {
  const failed = tests.filter(bad).length, passed = verdictsOf(tests).get("passed") ?? 0;
  if (failed) return `${failed} of ${plural(failed + passed, "test")} ${failed === 1 ? "needs" : "need"} attention`;
  if (!passed) return "No test could be run";
  return `${plural(passed, "test")} passed, none failed`;
};

// A simulated key computes in no time of its own: what took none says nothing of it.
const told = (data) => data.timings.filter((each) => each.most_ns > 0 || !data.virtual);
const timings = (data) => el("section", null, el("h2", null, data.virtual ? "Timings in virtual time" : "Timings"), told(data).length ? el("div", { class: "tablebox" }, el("table", { class: "timings" },
  el("caption", { class: "hidden" }, "Timings with their spread"),
  el("thead", null, el("tr", null, ["", "median", "p95", "n"].map((head) => el("th", { scope: "col" }, head || el("span", { class: "hidden" }, "What"))))),
  el("tbody", null, told(data).map((each) => el("tr", null, el("th", { scope: "row" }, each.name),
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

const summary = (data, page, filter) => {
  const passedOf = (passed, tests) => {
    const run = tests.filter((test) => test.verdict !== "skipped").length;
    return run ? `${passed} of ${run}` : "skipped";
  };
  const key = data.key, started = data.started_ns / MS, counts = verdictsOf(data.tests);
  return [
    el("h1", { id: "headline" }, headlineOf(data.tests)),
    bar(counts), tally(counts),
    data.ended ? el("p", { class: "said-first", role: "alert" }, `The run ended early: ${data.ended}.`) : null,
    ...data.notes.map((note) => el("p", { class: "said-first note" }, note)),
    el("dl", { class: "data" },
      datum("Device", data.device), datum("Versions", key.versions.join(", ") || "unknown"),
      key.aaguid ? datum("AAGUID", el("code", null, aaguid(key.aaguid))) : null,
      key.firmware === null ? null : datum("Firmware", firmware(key.firmware)),
      datum("Destructive tests", data.destructive ? "yes" : "no"),
      started > 9e11 ? datum("Started", moment(started)) : null,
      datum(data.virtual ? "Lasted (virtual time)" : "Lasted", duration(data.lasted_ns / MS)), datum("mfalab", data.mfalab)),
    el("div", { class: "columns" },
      el("section", null, el("h2", null, "Chapters"), el("ul", { class: "topics" },
        page.groups.map(([chapter, name]) => groupLine(page, filter, "chapter", chapter, name, passedOf)))),
      timings(data)),
    about(key)];
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
  const needs = [...test.needs.map((name) => name.toLowerCase()), test.pin === "set" ? "a PIN" : test.pin === "absent" ? "no PIN" : null,
    test.touches ? plural(test.touches, "touch", "touches") : null].filter(Boolean);
  return [
    bad(test) ? el("section", { class: `block failure ${test.verdict}` }, el("h4", null, WORDS[test.verdict]), el("dl", null,
      said("Expected", test.expected), said("Got", test.got, "got"), said("Why", test.why))) : null,
    test.verdict === "skipped" ? el("p", { class: "block" }, `Skipped: ${test.why}.`) : null,
    el("section", { class: "block" }, el("p", { class: "rule" }, el("b", null, test.section), " ", test.requirement),
      el("dl", { class: "facts" }, datum("Test", el("code", null, test.id)), datum("Needs", needs.join(", ") || "nothing more"),
        datum("Changes", test.changes || "nothing that the user owns", test.destructive ? el("span", { class: "said" }, " (destructive)") : null),
        test.verdict === "skipped" || !test.lasted_ns ? null : datum("Took", lasting(test.lasted_ns)))),
    test.trace ? el("section", { class: "block" }, el("h4", null, "What passed"), trace(test.trace)) : null,
  ];
};

const shown = (test) => [
  el("span", { class: "title" }, test.behaviour), el("span", { class: "id" }, test.section),
  el("span", { class: "span" }, test.verdict === "skipped" || !test.lasted_ns ? "" : lasting(test.lasted_ns)),
  bad(test) ? el("span", { class: "because" }, test.got ? `Got ${test.got}` : test.why) : null,
  test.verdict === "skipped" ? el("span", { class: "because" }, test.why) : null];

const read = (data) => {
  for (const test of data.tests) {
    Object.assign(test, { group: test.chapter, link: test.id, name: test.behaviour });
    test.texts = () => [test.id, test.chapter, test.section, test.behaviour, test.requirement, test.why, test.expected, test.got,
      ...(test.trace ?? []).map((line) => line.text)];
  }
  const chapters = [...count(data.tests, (test) => test.chapter)];
  const page = {
    entries: data.tests, section: document.getElementById("tests"), noun: "test", groups: chapters.map(([name]) => [name, name]),
    filter: { placeholder: "Search behaviour, sections, traces", boxes: [{
      name: "chapter", label: "Chapter", all: "All chapters", has: (test, chapter) => test.chapter === chapter,
      options: chapters.map(([name, number]) => [name, `${name} (${number})`]) }] },
    rowOf: (test) => ({ marks: { "data-test": test.id }, shown: shown(test), inside: () => inside(test) }),
    find: (name) => data.tests.find((test) => test.id === name),
    summary: (filter) => summary(data, page, filter),
    beforePrint: () => { for (const test of data.tests) if (bad(test)) test.toggle(true); },
  };
  return page;
};

openPage(read).catch(tellTrouble);
