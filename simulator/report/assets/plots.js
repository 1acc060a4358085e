// A plot per clock: its offset against true time, the window which the verifier accepts as a
// band, and what the verifier decided. Chart.js is unpacked when the first plot is wanted.

let library = null;
const chartLibrary = () => (library ??= inflate("chart").then((source) => {
  const program = document.createElement("script");
  program.textContent = source; // its hash is in the page's policy
  document.head.append(program);
  program.remove();
  if (!window.Chart) throw new Error("The chart library did not start.");
  return window.Chart;
}));

const probe = el("i", { hidden: true });
document.body.append(probe);
const ink = (name, alpha = 1) => {
  probe.style.color = `color-mix(in srgb, var(--${name}) ${alpha * 100}%, transparent)`;
  return getComputedStyle(probe).color;
};

const drawn = new Set();
const redraw = () => {
  for (const plot of drawn) plot.canvas.isConnected ? plot.draw() : drawn.delete(plot.end());
};

const valueAt = (clockOf, t) => {
  const { times, values } = clockOf;
  let right = times.findIndex((time) => time >= t);
  if (right < 0) right = times.length - 1;
  const left = Math.max(right - 1, 0), a = values[left], b = values[right];
  if (a === null || b === null || times[right] === times[left] || t >= times[right]) return b ?? a;
  return a + ((b - a) * (t - times[left])) / (times[right] - times[left]);
};

// Offsets of seconds and of years in one plot: even near the window, logarithmic beyond.
const heightScale = (low, high, reach) => {
  if (Math.max(Math.abs(low), Math.abs(high)) < 40 * reach) return { map: (v) => v, back: (v) => v };
  const steps = [0];
  for (const size of [1, 10, 60, 600, 3600, 36000, 86400, 864000, 8640000, 31557600, 315576000]) {
    if (size >= reach) steps.push(size, -size);
  }
  return {
    map: (v) => Math.asinh(v / reach), back: (y) => Math.sinh(y) * reach,
    ticks: steps.sort((a, b) => a - b),
  };
};

// Adds points at equal heights, so that what is straight in seconds bends smoothly on that scale.
const bent = (line, scale) => line.flatMap((point, index) => {
  const next = line[index + 1];
  if (!next || point.o === null || next.o === null || point.o === next.o) return [point];
  const low = scale.map(point.o), high = scale.map(next.o);
  const between = Array.from({ length: 23 }, (_, part) => {
    const o = scale.back(low + ((high - low) * (part + 1)) / 24), share = (o - point.o) / (next.o - point.o);
    return { t: point.t + (next.t - point.t) * share, x: point.x + (next.x - point.x) * share, o, dead: point.dead, joint: true };
  });
  return [point, ...between];
});

// Band, breaks and marks, which Chart.js has no words for.
const decoration = (scene, lane, axis, scale) => ({
  id: "decoration",
  beforeDatasetsDraw(chart) {
    const { ctx, chartArea: area, scales: { x, y } } = chart;
    const px = (t) => x.getPixelForValue(axis.map(t));
    ctx.save();
    ctx.beginPath();
    ctx.rect(area.left, area.top, area.width, area.height);
    ctx.clip();
    for (const wait of axis.waits) {
      const left = x.getPixelForValue(wait.x0), right = x.getPixelForValue(wait.x1);
      ctx.fillStyle = ink("muted", 0.08);
      ctx.fillRect(left, area.top, right - left, area.height);
    }
    const windows = scene.windows.filter((item) => item.lane === lane);
    for (const [index, item] of windows.entries()) {
      if (item.low === null) continue;
      const left = px(item.t), right = index + 1 < windows.length ? px(windows[index + 1].t) : area.right;
      const top = y.getPixelForValue(scale.map(item.high)), bottom = y.getPixelForValue(scale.map(item.low));
      ctx.fillStyle = ink("window", 0.16);
      ctx.fillRect(left, top, right - left, bottom - top);
      ctx.strokeStyle = ink("window", 0.75);
      ctx.lineWidth = 1;
      ctx.strokeRect(left - 0.5, Math.round(top) + 0.5, right - left + 2, Math.round(bottom - top));
    }
    ctx.restore();
  },
  afterDatasetsDraw(chart) {
    const { ctx, chartArea: area, scales: { x } } = chart;
    ctx.save();
    ctx.textBaseline = "middle";
    ctx.textAlign = "center";
    ctx.font = "11px system-ui, sans-serif";
    const taken = [];
    let free = -Infinity;
    for (const item of scene.windows) {
      if (item.lane !== lane || item.cause === "learned") continue;
      const at = x.getPixelForValue(axis.map(item.t)), wide = ctx.measureText(item.cause).width;
      ctx.strokeStyle = ink("ink", 0.55);
      ctx.lineWidth = 1;
      ctx.setLineDash(item.cause === "enable" ? [] : [4, 3]);
      ctx.beginPath();
      ctx.moveTo(Math.round(at) + 0.5, area.top - 4);
      ctx.lineTo(Math.round(at) + 0.5, area.bottom);
      ctx.stroke();
      const left = Math.min(Math.max(at - wide / 2, area.left), area.right - wide);
      if (left < free + 6) continue;
      free = left + wide;
      taken.push([left - 6, free + 6]);
      ctx.textAlign = "left";
      ctx.fillStyle = ink("ink");
      ctx.fillText(item.cause, left, area.top - 12);
    }
    ctx.font = "600 11px system-ui, sans-serif";
    ctx.textAlign = "center";
    ctx.fillStyle = ink("muted");
    for (const wait of axis.waits) {
      const left = x.getPixelForValue(wait.x0), right = x.getPixelForValue(wait.x1), text = duration(wait.to - wait.from);
      const half = ctx.measureText(text).width / 2, at = (left + right) / 2;
      if (right - left < 2 * half || taken.some(([from, to]) => from < at + half && to > at - half)) continue;
      ctx.fillText(text, at, area.top - 12);
    }
    ctx.restore();
  },
});

const plotConfig = (scene, clockOf, axis) => {
  const { lane, times, values, dead } = clockOf;
  const colour = ink(`lane-${scene.colours[lane] ?? 0}`);
  const edges = scene.windows.filter((item) => item.lane === lane && item.low !== null).flatMap((item) => [item.low, item.high]);
  const known = values.filter((value) => value !== null);
  const low = Math.min(0, ...known, ...edges), high = Math.max(0, ...known, ...edges);
  const reach = edges.length ? Math.max((edges[1] - edges[0]) / 2, 1) : 60;
  const scale = heightScale(low, high, reach);
  const floor = Math.max(high - low, 2) * 0.06;
  const [bottom, top] = scale.ticks ? [scale.map(low) * 1.08 - 0.1, scale.map(high) * 1.08 + 0.1] : [low - floor, high + floor];
  let line = times.map((t, index) => ({ t, x: axis.map(t), o: values[index], dead: dead.has(index) }));
  for (const wait of axis.waits) {
    for (const [t, x] of [[wait.from, wait.x0], [wait.to, wait.x1]]) {
      if (t > times[0] && t < times.at(-1)) line.push({ t, x, o: valueAt(clockOf, t), joint: true });
    }
  }
  line.sort((a, b) => a.x - b.x || a.t - b.t);
  if (scale.ticks) line = bent(line, scale);
  for (const point of line) point.y = point.o === null ? null : scale.map(point.o);
  const judged = (tone) => scene.events.filter((event) => event.kind === "d" && event.device === lane && event.tone === tone)
    .map((event) => ({ t: event.t, x: axis.map(event.t), o: valueAt(clockOf, event.t), words: `${event.second} ${event.first}` }))
    .filter((point) => point.o !== null && point.o !== undefined)
    .map((point) => ({ ...point, y: scale.map(point.o) }));
  const muted = ink("muted"), grid = ink("line"), card = ink("card");
  return {
    type: "line",
    data: {
      datasets: [
        { label: "accepted", data: judged("accepted"), showLine: false, pointStyle: "circle", pointRadius: 4.5, pointHoverRadius: 6,
          pointBackgroundColor: ink("passed"), pointBorderColor: card, pointBorderWidth: 1.5, order: 1, clip: 8 },
        { label: "refused", data: judged("refused"), showLine: false, pointStyle: "crossRot", pointRadius: 5.5, pointHoverRadius: 7,
          pointBorderColor: ink("refused"), pointBorderWidth: 2.2, order: 1, clip: 8 },
        { label: "offset", data: line, borderColor: colour, borderWidth: 2, pointRadius: 0, pointHitRadius: 6, pointHoverRadius: 4,
          pointBackgroundColor: colour, order: 2, segment: { borderDash: (ctx) => (ctx.p0.raw.dead ? [2, 4] : undefined) } },
      ],
    },
    options: {
      animation: false, parsing: false, normalized: false, responsive: true, maintainAspectRatio: false,
      layout: { padding: { top: 18, right: 8 } },
      interaction: { mode: "nearest", axis: "x", intersect: false },
      scales: {
        x: {
          type: "linear", min: 0, max: 1, grid: { color: grid }, border: { color: grid },
          afterBuildTicks: (x) => { x.ticks = axis.edges.map((value) => ({ value })); },
          ticks: { color: muted, maxRotation: 0, autoSkip: true, autoSkipPadding: 14, align: "inner",
            callback: (value) => {
              const at = scene.start + axis.back(value);
              return scene.end > 2 * DAY ? day(at) : [scene.end < 10 * SECOND ? exact(at).slice(11, 21).replace("Z", "") : clock(at), day(at)];
            } },
        },
        y: {
          min: bottom, max: top, grid: { color: (ctx) => (ctx.tick.value === 0 ? muted : grid) }, border: { display: false },
          afterBuildTicks: (y) => {
            if (!scale.ticks) return;
            let before = -Infinity;
            y.ticks = scale.ticks.map((value) => ({ value: scale.map(value) }))
              .filter(({ value }) => value >= bottom && value <= top)
              .filter(({ value }) => value === 0 || (value - before >= (top - bottom) / 9 && Math.abs(value) >= (top - bottom) / 9 && ((before = value), true)));
          },
          ticks: { color: muted, maxTicksLimit: 7, includeBounds: false, callback: (value) => offset(Number(scale.back(value).toPrecision(6))) },
        },
      },
      plugins: {
        legend: { display: false },
        tooltip: {
          backgroundColor: ink("ink"), titleColor: card, bodyColor: card, displayColors: false, padding: 9, cornerRadius: 5,
          filter: (item, index, items) => !item.raw.joint && items.findIndex((other) => other.datasetIndex === item.datasetIndex) === index,
          callbacks: {
            title: (items) => (items.length ? exact(scene.start + items[0].raw.t) : ""),
            label: ({ raw }) => `${raw.words ? `${raw.words}, ` : ""}${offset(raw.o)}${raw.dead ? " (not running)" : ""}`,
          },
        },
      },
    },
    plugins: [decoration(scene, lane, axis, scale)],
  };
};

const plotWords = (scene, { lane, values }) => {
  const known = values.filter((value) => value !== null);
  const windows = scene.windows.filter((item) => item.lane === lane && item.low !== null);
  const last = windows.at(-1);
  return `${scene.lanes[lane][2]}: offset from ${offset(known[0])} to ${offset(known.at(-1))}` +
    (last ? `; the verifier last accepts ${offset(last.low)} to ${offset(last.high)}` : "");
};

const plots = (scene) => {
  const shown = scene.clocks.filter(({ lane, values }) =>
    values.some((value) => value !== null) && (scene.lanes[lane][1] === "device" || values.some((value) => value)));
  if (!shown.length) return null;
  const moments = [...scene.steps.flatMap((step) => [step.t0, step.t1]), ...scene.events.map((event) => event.t)];
  let plain = false;
  const axis = () => plotAxis(scene.end, moments, plain);
  const figures = shown.map((clockOf) => {
    const canvas = el("canvas", { role: "img", "aria-label": plotWords(scene, clockOf) });
    const known = clockOf.values.filter((value) => value !== null);
    const plot = {
      canvas, chart: null,
      end() { plot.chart?.destroy(); return plot; },
      draw() {
        chartLibrary().then((Chart) => {
          plot.end();
          Chart.defaults.font.family = "system-ui, sans-serif";
          Chart.defaults.font.size = 11;
          plot.chart = new Chart(canvas, plotConfig(scene, clockOf, axis()));
          canvas.dataset.drawn = "yes";
        }).catch((error) => canvas.replaceWith(el("p", { class: "trouble" }, error.message)));
      },
    };
    drawn.add(plot);
    requestAnimationFrame(plot.draw);
    return el("figure", { class: `plot lane-${scene.colours[clockOf.lane] ?? 0}` },
      el("figcaption", null, el("b", null, scene.lanes[clockOf.lane][2]),
        el("span", null, `${offset(known[0])} \u2192 ${offset(known.at(-1))}`)),
      el("div", { class: "canvas" }, canvas));
  });
  const button = (text, value) => el("button", {
    type: "button", class: "segment", "aria-pressed": String(plain === value),
    onclick: (event) => {
      plain = value;
      for (const other of event.target.parentNode.children) other.setAttribute("aria-pressed", String(other === event.target));
      redraw();
    },
  }, text);
  return el("section", { class: "block clocks" },
    el("div", { class: "blockhead" }, el("h4", null, "Clock offset against true time"),
      axis().waits.length ? el("div", { class: "segments", role: "group", "aria-label": "Time axis" }, button("Bursts widened", false), button("Even time", true)) : null),
    el("p", { class: "legend" }, el("span", { class: "key band-key" }, "accepted window"), el("span", { class: "key line-key" }, "clock"),
      el("span", { class: "key yes-key" }, "code accepted"), el("span", { class: "key no-key" }, "code refused")),
    el("div", { class: `plots n${Math.min(figures.length, 2)}` }, figures));
};
