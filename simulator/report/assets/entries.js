// What pages of entries share: a filter, groups of entries that open, keys, themes, and links to an entry.
//
// A page gives each entry `verdict`, `group` (the heading below which it stands), `link` (its part of the address),
// `name` (what its inside is called) and `texts()` (what a search looks through).

const count = (items, key) => {
  const counts = new Map();
  for (const item of items) for (const value of [key(item)].flat()) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
};
const verdictsOf = (entries) => count(entries, (entry) => entry.verdict);
const present = (counts) => VERDICTS.filter((verdict) => counts.get(verdict));
const bad = (entry) => BAD.includes(entry.verdict);

const bar = (counts) => el("div", { class: "bar", "aria-hidden": "true" }, present(counts).map((verdict) => {
  const part = el("span", { class: verdict });
  part.style.flexGrow = counts.get(verdict);
  return part;
}));
const tally = (counts, tag = "p") => el(tag, { class: "tally" }, present(counts).map((verdict) =>
  el("span", null, badge(verdict), ` ${counts.get(verdict).toLocaleString("en")} ${verdict}`)));

const datum = (name, ...value) => el("div", null, el("dt", null, name), el("dd", null, ...value));
const said = (name, value, kind) => (value ? el("div", null, el("dt", null, name), el("dd", kind ? { class: kind } : null, value)) : null);

// A line of the summary for one group: its verdicts, and how much of it passed.
const groupLine = (page, filter, box, group, name, passedOf) => {
  const own = page.entries.filter((entry) => entry.group === group);
  const passed = own.filter((entry) => entry.verdict === "passed").length;
  return el("li", null, el("button", { type: "button", onclick: () => { filter.set(box, group); page.section.scrollIntoView(); } },
    el("span", { class: "name" }, name), bar(verdictsOf(own)), el("span", { class: "number" }, passedOf(passed, own))));
};

// `boxes` are the selects: each has a name, a label, what stands for all, options, and whether an entry `has` a value.
const filterBar = (page, { placeholder, boxes }, changed) => {
  const state = { text: "", verdicts: new Set() };
  const forget = () => {
    state.text = "";
    state.verdicts.clear();
    for (const { name } of boxes) state[name] = "";
  };
  forget();
  const texts = (entry) => (entry.hay ??= entry.texts().join("\n").toLowerCase());
  const matches = (entry) => (!state.verdicts.size || state.verdicts.has(entry.verdict))
    && boxes.every(({ name, has }) => state[name] === "" || has(entry, state[name]))
    && state.text.toLowerCase().split(/\s+/).every((word) => texts(entry).includes(word));
  const search = el("input", { type: "search", id: "search", placeholder, autocomplete: "off", spellcheck: "false",
    "aria-keyshortcuts": "/", oninput: () => { state.text = search.value; changed(); } });
  const selects = boxes.map(({ name, label, all, options }) => {
    const box = el("select", { id: `by-${name}`, onchange: () => { state[name] = box.value; changed(); } },
      el("option", { value: "" }, all), options.map(([value, text]) => el("option", { value }, text)));
    return el("label", null, el("span", { class: "hidden" }, label), box);
  });
  const verdicts = verdictsOf(page.entries);
  const chips = present(verdicts).map((verdict) => el("button", {
    type: "button", class: "chip", "aria-pressed": "false", "data-verdict": verdict,
    onclick: (event) => {
      state.verdicts.delete(verdict) || state.verdicts.add(verdict);
      event.currentTarget.setAttribute("aria-pressed", String(state.verdicts.has(verdict)));
      changed();
    },
  }, badge(verdict, true), el("span", { class: "number" }, verdicts.get(verdict).toLocaleString("en"))));
  const clearing = () => el("button", { type: "button", class: "quiet", onclick: () => form.reset() }, "Clear the filter");
  const status = el("span", { role: "status" }), clear = clearing();
  const form = el("form", { class: "filter", role: "search", onsubmit: (event) => event.preventDefault() },
    el("label", { class: "search" }, el("span", { class: "hidden" }, "Search"), search, el("kbd", { "aria-hidden": "true" }, "/")),
    el("div", { class: "chips", role: "group", "aria-label": "Verdict" }, chips), selects);
  form.addEventListener("reset", () => {
    forget();
    for (const chip of chips) chip.setAttribute("aria-pressed", "false");
    setTimeout(changed);
  });
  return {
    form, search, matches, clearing, line: el("p", { class: "status" }, status, clear),
    set: (name, value) => {
      state[name] = value;
      form.querySelector(`#by-${name}`).value = value;
      changed();
    },
    say: (text) => {
      status.textContent = text;
      clear.hidden = !(state.text || state.verdicts.size || boxes.some(({ name }) => state[name]));
    },
  };
};

// An entry's row, whose inside is made when it is first opened; `shown` and `inside` are its parts, `marks` attributes.
const row = (entry, { marks, shown, inside }) => {
  const region = el("div", { id: `inside-${entry.index}`, class: "inside", role: "region", "aria-label": entry.name, hidden: true });
  const button = el("button", { type: "button", class: "open", "aria-expanded": "false", "aria-controls": region.id }, badge(entry.verdict), shown);
  const node = el("article", { class: `case ${entry.verdict}`, ...marks }, el("h3", null, button), region);
  const toggle = (open) => {
    button.setAttribute("aria-expanded", String(open));
    region.hidden = !open;
    node.classList.toggle("opened", open);
    if (open && !region.childElementCount) region.append(...inside().filter(Boolean));
  };
  button.addEventListener("click", () => {
    const open = region.hidden;
    toggle(open);
    history.replaceState(null, "", open ? `#${encodeURIComponent(entry.link)}` : "#");
  });
  return Object.assign(entry, { node, button, toggle });
};

const list = (page, filter, groups) => {
  const heads = [["Needs attention", page.entries.filter(bad)],
    ...groups.map(([group, name]) => [name, page.entries.filter((entry) => entry.group === group && !bad(entry))])]
    .filter(([, entries]) => entries.length).map(([name, entries]) => {
      const number = el("span", { class: "number" });
      return { entries, number, node: el("section", { class: "group" }, el("h2", null, name, number), entries.map((entry) => row(entry, page.rowOf(entry)).node)) };
    });
  const total = plural(page.entries.length, page.noun);
  const nothing = el("p", { class: "nothing", hidden: true }, `No ${page.noun} matches. `, filter.clearing());
  const update = () => {
    let shown = 0;
    for (const { entries, node, number } of heads) {
      for (const entry of entries) entry.node.hidden = !filter.matches(entry);
      const here = entries.filter((entry) => !entry.node.hidden).length;
      node.hidden = here === 0;
      number.textContent = here === entries.length ? String(here) : `${here} of ${entries.length}`;
      shown += here;
    }
    nothing.hidden = shown > 0;
    filter.say(shown === page.entries.length ? total : `${shown.toLocaleString("en")} of ${total}`);
  };
  page.section.append(filter.form, filter.line, ...heads.map(({ node }) => node), nothing,
    el("p", { class: "keys" }, el("kbd", null, "/"), " search ", el("kbd", null, "j"), " ", el("kbd", null, "k"), " next, previous ", el("kbd", null, "Enter"), " open"));
  return { update, visible: () => heads.flatMap(({ entries }) => entries).filter((entry) => !entry.node.hidden) };
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
    const entries = shown.visible(), at = entries.findIndex((entry) => entry.node.contains(document.activeElement));
    entries[Math.min(Math.max(at + (event.key === "j" ? 1 : -1), 0), entries.length - 1)]?.button.focus();
  }
});

const theming = ({ redraw, beforePrint }) => {
  const button = document.getElementById("theme"), themes = ["system", "light", "dark"];
  let theme = "system";
  try { theme = localStorage.getItem("mfalab-theme") ?? "system"; } catch { /* a page from a file may have no storage */ }
  const apply = (name) => {
    if (name === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
    redraw?.();
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
  if (redraw) matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("beforeprint", () => {
    apply("light");
    beforePrint();
  });
  addEventListener("afterprint", show);
  show();
};

const following = (page, filter) => {
  const follow = () => {
    let name = location.hash.slice(1);
    try { name = decodeURIComponent(name); } catch { /* then it names no entry */ }
    const entry = page.find(name);
    if (!entry) return;
    if (entry.node.hidden) filter.form.reset();
    entry.toggle(true);
    setTimeout(() => { entry.node.scrollIntoView(); entry.button.focus({ preventScroll: true }); });
  };
  addEventListener("hashchange", follow);
  follow();
};

// Shows the page's data. `read` makes of it: `entries`, `section` (where they go), `noun`, `filter` (see `filterBar`),
// `groups` (pairs of group and heading), `rowOf` (see `row`), `find` (the entry of a link), `summary(filter)`,
// `beforePrint` and perhaps `redraw`.
const openPage = async (read) => {
  const page = read(JSON.parse(await inflate("data")));
  page.entries.forEach((entry, index) => { entry.index ??= index; });
  let shown = null;
  const filter = filterBar(page, page.filter, () => shown?.update());
  theming(page);
  document.getElementById("summary").replaceChildren(...page.summary(filter).filter(Boolean));
  shown = list(page, filter, page.groups);
  shown.update();
  keyboard(filter, shown);
  following(page, filter);
  document.documentElement.dataset.state = "ready";
};

const tellTrouble = (error) => {
  const trouble = document.getElementById("trouble");
  trouble.hidden = false;
  trouble.textContent = typeof DecompressionStream === "undefined"
    ? "This browser cannot unpack the report (it has no DecompressionStream). Open it in a browser of 2023 or later."
    : `The report could not be shown: ${error.message}`;
  throw error;
};
