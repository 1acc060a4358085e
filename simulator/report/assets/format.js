// Elements and words. Every text becomes a text node or an attribute, never markup.

const SVG = "http://www.w3.org/2000/svg";

const fill = (node, attributes, children) => {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
};
const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR, YEAR = 365.25 * DAY;

const short = (value) => {
  const text = Math.abs(value) >= 99.95 ? value.toFixed(0) : value.toFixed(1);
  return text.replace(/\.0$/, "").replace("-", "\u2212");
};
const NB = "\u00a0";
const duration = (ms) => {
  if (ms >= 3 * YEAR) return `${short(ms / YEAR)}${NB}y`;
  if (ms >= 2 * DAY) return `${short(ms / DAY)}${NB}d`;
  if (ms >= 2 * HOUR) return `${short(ms / HOUR)}${NB}h`;
  if (ms >= 2 * MINUTE) return `${short(ms / MINUTE)}${NB}min`;
  if (ms >= SECOND || ms === 0) return `${short(ms / SECOND)}${NB}s`;
  return ms < 1 ? `<${NB}1${NB}ms` : `${Math.round(ms)}${NB}ms`;
};

// An offset with its sign, in the unit in which a reader thinks of it.
const offset = (seconds) => {
  if (seconds === null || seconds === undefined) return "unknown";
  const size = Math.abs(seconds), sign = seconds > 0 ? "+" : seconds < 0 ? "\u2212" : "";
  const units = [[365.25 * 86400 * 2, 365.25 * 86400, "y"], [172800, 86400, "d"], [7200, 3600, "h"]];
  for (const [from, unit, name] of units) if (size >= from) return `${sign}${short(size / unit)}${NB}${name}`;
  return `${sign}${size >= 99.95 ? size.toFixed(0) : size.toFixed(size < 9.995 && size > 0 ? 2 : 1).replace(/\.0+$/, "")}${NB}s`;
};

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const day = (ms) => {
  const date = new Date(ms);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
};
const clock = (ms) => new Date(ms).toISOString().slice(11, 19);
const moment = (ms) => `${day(ms)}, ${clock(ms)}`;
const exact = (ms) => new Date(ms).toISOString().replace("T", " ").replace(/\.000Z$/, "Z");

const plural = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

const BAD = ["failed", "error", "interrupted"];
const VERDICTS = [...BAD, "passed", "skipped"];
const WORDS = {
  passed: "Passed", failed: "Failed", error: "Error", skipped: "Skipped",
  interrupted: "Interrupted", marginal: "Marginal",
};
const SHAPES = {
  passed: "M3.5 8.5l3 3 6-7",
  marginal: "M2.5 8.5q2.7-4 5.5 0t5.5 0",
  failed: "M4 4l8 8M12 4l-8 8",
  error: "M8 3v6.5M8 12.4v.2",
  skipped: "M3.5 8h9",
  interrupted: "M5.5 3.5v9M10.5 3.5v9",
};
const badge = (verdict, worded = false) =>
  el("span", { class: `badge ${verdict}`, title: worded ? null : WORDS[verdict] },
    svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: SHAPES[verdict] })),
    el("span", worded ? null : { class: "hidden" }, WORDS[verdict]));

const inflate = async (id) => {
  const packed = Uint8Array.from(atob(document.getElementById(id).textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
};
