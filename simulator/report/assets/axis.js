// True time on paper. A scenario is bursts of seconds between waits of years, so neither drawing
// has one scale: bursts are given room, and waits are narrowed and labelled with their length.

const BREAK = 5 * MINUTE; // a longer silence is drawn as a break

// Pixels for a silence shorter than a break: growing slowly, so that order and rhythm both show.
const silence = (ms) => (ms <= 0 ? 0 : 4 + 7 * Math.log10(1 + ms / 100));

// Maps time onto 0..1 for the plots: straight within each burst and within each wait, so that
// constant drift stays a straight line. `plain` keeps one scale for all.
const plotAxis = (end, moments, plain) => {
  const span = Math.max(end, 1);
  const times = [...new Set([0, ...moments.filter((t) => t >= 0 && t <= end), end])].sort((a, b) => a - b);
  const pieces = [];
  for (let i = 1; i < times.length; i += 1) {
    const wait = times[i] - times[i - 1] > Math.max(span / 50, BREAK);
    const last = pieces.at(-1);
    if (last && !wait && !last.wait) last.to = times[i];
    else pieces.push({ from: times[i - 1], to: times[i], wait });
  }
  const waits = pieces.filter((piece) => piece.wait);
  // A wait at either end still needs its burst, so that marks at the very edge can be seen.
  const bursts = [];
  for (let i = 0; i <= pieces.length; i += 1) {
    if ((pieces[i - 1]?.wait ?? true) && (pieces[i]?.wait ?? true)) {
      const at = pieces[i]?.from ?? end;
      bursts.push({ from: at, to: at, wait: false });
    }
  }
  const all = [...pieces, ...bursts].sort((a, b) => a.from - b.from || a.to - b.to);
  if (plain || !waits.length) {
    return { map: (t) => t / span, back: (x) => x * span, waits: [], edges: [0, 0.25, 0.5, 0.75, 1] };
  }
  const short = all.filter((piece) => !piece.wait);
  const room = Math.min(0.5, 0.16 * short.length);
  const roots = waits.reduce((sum, piece) => sum + Math.sqrt(piece.to - piece.from), 0);
  let x = 0;
  for (const piece of all) {
    piece.x0 = x;
    x += piece.wait ? ((1 - room) * Math.sqrt(piece.to - piece.from)) / roots : room / short.length;
    piece.x1 = x;
  }
  const within = (value, a, b, low, high) => (b > a ? low + ((high - low) * (value - a)) / (b - a) : (low + high) / 2);
  return {
    map: (t) => {
      const piece = short.find((p) => t >= p.from && t <= p.to) ?? waits.find((p) => t >= p.from && t <= p.to) ?? all.at(-1);
      return within(t, piece.from, piece.to, piece.x0, piece.x1);
    },
    back: (at) => {
      const piece = all.find((p) => at <= p.x1) ?? all.at(-1);
      return within(at, piece.x0, piece.x1, piece.from, piece.to);
    },
    waits,
    edges: short.map((piece) => (piece.x0 + piece.x1) / 2),
  };
};
