// The plots of a study. Data comes packed; colours are those of the page's style.

let library = null;
const chartLibrary = () => (library ??= inflate("chart").then((source) => {
  const program = document.createElement("script");
  program.textContent = source; // its hash is in the page's policy
  document.head.append(program);
  program.remove();
  return window.Chart;
}));

const probe = el("i", { hidden: true });
document.body.append(probe);
const ink = (name, alpha = 1) => {
  probe.style.color = `color-mix(in srgb, var(--${name}) ${alpha * 100}%, transparent)`;
  return getComputedStyle(probe).color;
};
const lane = (place) => `lane-${(place % 6) + 1}`;
const dashes = (place) => [[], [7, 4], [2, 3], [9, 3, 2, 3]][Math.floor(place / 6) % 4];

const line = (label, data, colour, more = {}) => ({
  label, data, borderColor: ink(colour), backgroundColor: ink(colour, 0.14), borderWidth: 2,
  pointRadius: 0, pointHitRadius: 8, tension: 0.2, ...more,
});
// The upper edge of a band is filled down to the lower one; neither is in the legend.
const band = (low, high, colour) => [
  line("", low, colour, { borderWidth: 0, edge: true }),
  line("", high, colour, { borderWidth: 0, edge: true, fill: "-1" }),
];

const axis = (title, more = {}) => ({
  title: { display: true, text: title, color: ink("muted") },
  ticks: { color: ink("muted"), maxTicksLimit: 8, maxRotation: 0, autoSkipPadding: 12, ...more.ticks },
  grid: { color: ink("line") },
  ...Object.fromEntries(Object.entries(more).filter(([key]) => key !== "ticks")),
});
const options = (x, y) => ({
  animation: false, responsive: true, maintainAspectRatio: false,
  interaction: { mode: "nearest", intersect: false },
  scales: { x, y },
  plugins: {
    legend: {
      position: "bottom",
      labels: { color: ink("ink"), boxWidth: 18, filter: (item, data) => !data.datasets[item.datasetIndex].edge },
    },
    tooltip: { filter: (item) => !item.dataset.edge },
  },
});

const drawAll = (Chart, data) => {
  const charts = [];
  const plot = (id, type, datasets, settings, labels) =>
    charts.push(new Chart(document.getElementById(id), { type, data: { labels, datasets }, options: settings }));
  plot("refused", "line", data.policies.flatMap((policy, place) => [
    ...band(policy.refused[0], policy.refused[2], lane(place)),
    line(policy.name, policy.refused[1], lane(place), { borderDash: dashes(place) }),
  ]), options(axis(""), axis("logins a month", { beginAtZero: true })), data.months);
  plot("first", "line", data.policies.map((policy, place) =>
    line(policy.name, policy.first, lane(place), { borderDash: dashes(place) })),
  options(axis(""), axis("share of tokens, %", { min: 0, max: 100 })), data.months);
  plot("clocks", "line", [
    ...band(data.clocks[0], data.clocks[2], "lane-1"), line("median", data.clocks[1], "lane-1"),
  ], options(axis(""), axis("time steps")), data.months);
  const point = (each) => ({ x: Math.max(each.cost, data.least), y: each.guessed, name: each.name });
  const dots = (label, data_, colour, more) => ({
    label, data: data_.map(point), borderColor: ink(colour), backgroundColor: ink(colour), ...more,
  });
  const settings = options(
    axis("refused logins per 1,000 tokens and year", { type: "logarithmic", ticks: { callback: (v) => `${v}` } }),
    axis("chance of a guess in a year", { type: "logarithmic", ticks: { callback: (v) => v.toPrecision(1) } }),
  );
  settings.plugins.tooltip.callbacks = {
    label: (item) => `${item.raw.name}: ${item.raw.x.toPrecision(3)} refused, ${item.raw.y.toPrecision(2)} guessed`,
  };
  plot("pareto", "scatter", [
    ...data.policies.map((policy, place) =>
      dots(policy.name, [policy], lane(place), { pointRadius: 7, pointStyle: ["circle", "rectRot", "triangle", "rect"][Math.floor(place / 6) % 4] })),
    ...Object.entries(data.windows).map(([label, points], place) =>
      dots(label, points, ["lane-0", "accent"][place], { pointRadius: 3, showLine: true, borderWidth: 1, borderDash: [3, 3] })),
  ], settings);
  return charts;
};

const start = async () => {
  const [Chart, text] = await Promise.all([chartLibrary(), inflate("data")]);
  const data = JSON.parse(text);
  let charts = drawAll(Chart, data);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const chart of charts) chart.destroy();
    charts = drawAll(Chart, data);
  });
  document.body.dataset.drawn = String(charts.length);
};
start();
