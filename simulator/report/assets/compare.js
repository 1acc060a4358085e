// Several runs side by side: counts for each, and every case with its verdict in each of them.

const ALIKE = "alike", PARTIAL = "not in all runs", PARTED = "parted";

const runTable = (data) => {
  const rows = data.runs.map((run, index) =>
    el("tr", null, el("th", { scope: "row" }, run.label),
      cell("Verdicts", tally(verdictsOf(data.cases.filter((item) => item.r === index)), "span")),
      cell("Started", moment(run.started)), cell("Wall time", run.wall === null ? "interrupted" : duration(run.wall)),
      cell("Seed", run.seed), cell("mfalab", run.version)));
  return table("Runs", ["Run", "Verdicts", "Started", "Wall time", "Seed", "mfalab"], rows, "runs");
};

const comparedRow = (data, [agreement, places]) => {
  const items = places.map((place) => (place === null ? null : data.cases[place]));
  const first = items.find(Boolean);
  const reasons = new Set();
  const cells = items.map((item, index) => {
    const label = data.runs[index].label;
    if (!item) return cell(label, el("span", { class: "absent" }, "not run"));
    const why = item.why?.split("\n")[0];
    const told = why && !reasons.has(why) && reasons.add(why);
    return cell(label, el("a", { href: `#${encodeURIComponent(item.link)}`, title: why || null }, badge(item.v, true)),
      told ? el("p", { class: "said" }, why) : null);
  });
  const mark = agreement === PARTED ? el("span", { class: "mark", title: "The runs part here" }, "\u2260", el("span", { class: "hidden" }, "parted")) : null;
  return el("tr", { class: agreement.replaceAll(" ", "-"), hidden: false },
    el("th", { scope: "row" }, mark, first.s || first.id, first.s ? el("span", { class: "id" }, first.id) : null), cells);
};

const comparison = (data) => {
  const numbers = count(data.rows, ([agreement]) => agreement);
  const kinds = [PARTED, PARTIAL, ALIKE].filter((kind) => numbers.get(kind));
  const told = { [PARTED]: "They part", [PARTIAL]: "Not in all runs", [ALIKE]: "Alike" };
  let shown = kinds.filter((kind) => kind !== ALIKE);
  const body = el("tbody");
  const side = el("div", { class: "tablebox", tabindex: "0", role: "region", "aria-label": "Cases side by side" }, el("table", { class: "side" },
    el("caption", { class: "hidden" }, "Each case in each run"),
    el("thead", null, el("tr", null, ["Case", ...data.runs.map((run) => run.label)].map((head) => el("th", { scope: "col" }, head)))), body));
  const nothing = el("p", { class: "said" }, `Every case ended alike in all ${data.runs.length} runs.`);
  const draw = () => {
    body.replaceChildren(...kinds.filter((kind) => shown.includes(kind)).flatMap((kind) =>
      data.rows.filter(([agreement]) => agreement === kind).map((row) => comparedRow(data, row))));
    side.hidden = !shown.length;
    nothing.hidden = Boolean(shown.length) || kinds.length > 1 || kinds[0] !== ALIKE;
  };
  const chips = kinds.map((kind) => el("button", {
    type: "button", class: "chip", "aria-pressed": String(shown.includes(kind)), "data-agreement": kind,
    onclick: (event) => {
      shown = shown.includes(kind) ? shown.filter((other) => other !== kind) : [...shown, kind];
      event.currentTarget.setAttribute("aria-pressed", String(shown.includes(kind)));
      draw();
    },
  }, told[kind], el("span", { class: "number" }, numbers.get(kind).toLocaleString("en"))));
  draw();
  return el("section", { class: "compare" }, el("h2", null, "Runs side by side"), runTable(data),
    el("div", { class: "chips", role: "group", "aria-label": "Cases to show" }, chips), nothing, side);
};
