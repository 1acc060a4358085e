// Search and filter: text, verdicts, topic, tag, run.

const count = (items, key) => {
  const counts = new Map();
  for (const item of items) for (const value of [key(item)].flat()) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
};

const haystack = (item) => (item.hay ??= [item.id, item.s, item.t, item.f, item.p, item.src, item.prof, item.why, ...(item.tags ?? []),
  ...item.st.flatMap((step) => [step[3], step[5], step[6]])].join("\n").toLowerCase());

const filterBar = (data, changed) => {
  const state = { text: "", verdicts: new Set(), topic: "", tag: "", run: "" };
  const matches = (item) =>
    (!state.verdicts.size || state.verdicts.has(item.v)) &&
    (!state.topic || item.t === state.topic) &&
    (!state.tag || item.tags?.includes(state.tag)) &&
    (state.run === "" || item.r === Number(state.run)) &&
    state.text.toLowerCase().split(/\s+/).every((word) => haystack(item).includes(word));
  const search = el("input", { type: "search", id: "search", placeholder: "Search titles, tags, steps", autocomplete: "off", spellcheck: "false",
    "aria-keyshortcuts": "/", oninput: () => { state.text = search.value; changed(); } });
  const select = (name, label, options) => {
    const box = el("select", { id: `by-${name}`, onchange: () => { state[name] = box.value; changed(); } },
      el("option", { value: "" }, label), options.map(([value, text]) => el("option", { value }, text)));
    return el("label", null, el("span", { class: "hidden" }, label), box);
  };
  const sorted = (key) => [...count(data.cases, key)].filter(([value]) => value).sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([value, number]) => [value, `${value} (${number})`]);
  const verdicts = count(data.cases, (item) => item.v);
  const chips = VERDICTS.filter((verdict) => verdicts.get(verdict)).map((verdict) => el("button", {
    type: "button", class: "chip", "aria-pressed": "false", "data-verdict": verdict,
    onclick: (event) => {
      state.verdicts.delete(verdict) || state.verdicts.add(verdict);
      event.currentTarget.setAttribute("aria-pressed", String(state.verdicts.has(verdict)));
      changed();
    },
  }, badge(verdict, true), el("span", { class: "number" }, verdicts.get(verdict).toLocaleString("en"))));
  const status = el("span", { role: "status" });
  const clear = el("button", { type: "button", class: "quiet", onclick: () => bar.reset() }, "Clear the filter");
  const bar = el("form", { class: "filter", role: "search", onsubmit: (event) => event.preventDefault() },
    el("label", { class: "search" }, el("span", { class: "hidden" }, "Search"), search, el("kbd", { "aria-hidden": "true" }, "/")),
    el("div", { class: "chips", role: "group", "aria-label": "Verdict" }, chips),
    select("topic", "All topics", sorted((item) => item.t)),
    select("tag", "All tags", sorted((item) => item.tags ?? [])),
    data.runs.length > 1 ? select("run", "All runs", data.runs.map((run, index) => [index, run.label])) : null);
  const set = (name, value) => {
    state[name] = value;
    const box = bar.querySelector(`#by-${name}`);
    if (box) box.value = value;
    changed();
  };
  bar.addEventListener("reset", () => {
    Object.assign(state, { text: "", topic: "", tag: "", run: "" });
    state.verdicts.clear();
    for (const chip of chips) chip.setAttribute("aria-pressed", "false");
    setTimeout(changed);
  });
  const active = () => Boolean(state.text || state.verdicts.size || state.topic || state.tag || state.run);
  const say = (text) => {
    status.textContent = text;
    clear.hidden = !active();
  };
  return { bar, line: el("p", { class: "status" }, status, clear), say, search, matches, set };
};
