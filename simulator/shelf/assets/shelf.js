"use strict";

// The token comes in the fragment and goes out in a header: no other site can send that.
const HELD = "mfalab-token";
if (location.hash.length > 1) {
  sessionStorage.setItem(HELD, location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
}
const token = sessionStorage.getItem(HELD) || "";
const byId = (id) => document.getElementById(id);
const WHAT = {
  hardware_totp: "hardware token, time-based",
  hardware_hotp: "hardware token, event-based",
  totp_app: "authenticator app",
  sms_phone: "phone for text messages",
  security_key: "security key",
};
const NAMES = {
  hardware_totp: "fob", hardware_hotp: "counter", totp_app: "app", sms_phone: "phone", security_key: "key",
};
const cards = new Map();
let people = [];
let latest = null;

// Asking the server

async function ask(method, path, body, type) {
  const headers = { Authorization: `Bearer ${token}` };
  if (type) headers["Content-Type"] = type;
  const raw = body === undefined || body instanceof Blob ? body : JSON.stringify(body);
  const answer = await fetch(`/_mfalab/${path}`, { method, headers, body: raw });
  const said = answer.headers.get("content-type") || "";
  const told = said.startsWith("application/json") ? await answer.json() : await answer.text();
  if (!answer.ok) throw new Error(told.error || `The server answers ${answer.status}.`);
  return told;
}

function complain(error) {
  byId("trouble").textContent = error ? error.message : "";
  byId("trouble").hidden = !error;
}

async function attempt(work) {
  try {
    const result = await work();
    complain(null);
    return result;
  } catch (error) {
    complain(error);
    return null;
  }
}

const act = (path, body) => attempt(() => ask("POST", path, body));
const step = (words) => act("steps", words);

// Building

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties || {});
  element.append(...children);
  return element;
}

function press(text, work, label) {
  const button = make("button", { type: "button", textContent: text, onclick: work });
  if (label) button.setAttribute("aria-label", label);
  return button;
}

function choose(label, words, work) {
  const select = make("select", { onchange: () => { work(select.value); select.value = ""; } });
  select.append(make("option", { value: "", textContent: "-" }));
  select.append(...words.map((word) => make("option", { value: word, textContent: word })));
  return make("label", { textContent: label }, select);
}

function slider(className, text, limits, unit, work) {
  const shown = make("span");
  const input = make("input", { type: "range", ...limits });
  input.oninput = () => { shown.textContent = `${input.value} ${unit}`; };
  input.onchange = () => work(`${input.value} ${unit}`);
  const label = make("label", { className }, make("span", {}, `${text}: `, shown), input);
  label.follow = (value) => {
    if (label.contains(document.activeElement) && input.matches(":active")) return;
    if (Number(input.value) !== value) input.value = value;
    setText(shown, `${value} ${unit}`);
  };
  return label;
}

const pathOf = (name, what) => `devices/${encodeURIComponent(name)}${what ? `/${what}` : ""}`;

function build(device) {
  const card = byId("card").content.firstElementChild.cloneNode(true);
  const find = (query) => card.querySelector(query);
  const name = device.name;
  const title = find("h3");
  title.textContent = name;
  title.id = `device-${name}`;
  card.setAttribute("aria-labelledby", title.id);
  find(".what").textContent = WHAT[device.kind] + (device.serial ? `, ${device.serial}` : "");
  find("summary").setAttribute("aria-label", `Holder, climate, accidents of ${name}`);
  const phone = device.kind === "totp_app" || device.kind === "sms_phone";
  const kind = phone ? "phone" : device.kind === "security_key" ? "key" : "token";
  const picture = find(".picture");
  picture.classList.add(kind);
  picture.append(byId(`picture-${kind}`).content.cloneNode(true));
  const acts = find(".acts");
  const push = find(".push");
  if (kind === "token") {
    push.onclick = () => act(pathOf(name, "press"));
    push.setAttribute("aria-label", `Press the button of ${name}`);
  } else if (kind === "key") {
    push.onclick = () => act(pathOf(name, "touch"));
    push.setAttribute("aria-label", `Touch ${name}`);
  } else {
    find(".screen").setAttribute("aria-label", `Screen of ${name}`);
  }
  if (device.kind === "totp_app") scanning(acts, picture, name);
  find(".more").append(...more(device, find));
  card.history = [];
  byId("devices").append(card);
  return card;
}

function scanning(acts, picture, name) {
  const scan = (what, type) => attempt(() => ask("POST", pathOf(name, "scan"), what, type));
  const file = make("input", { type: "file", accept: "image/png,image/jpeg,image/webp", hidden: true });
  const picked = (list) => {
    const image = [...list].find((each) => each.type.startsWith("image/"));
    if (image) scan(image, image.type);
    else complain(new Error("That is no picture: drop or paste a PNG, a JPEG or a WebP."));
  };
  file.onchange = () => { picked(file.files); file.value = ""; };
  acts.append(
    press("Scan what is shown now", () => scan({ shown: true }), `Scan what is shown now, with ${name}`),
    press("Scan a picture", () => file.click(), `Scan a picture, with ${name}`),
    file,
  );
  const uri = make("input", { placeholder: "otpauth://, or a picture", maxLength: 2000, autocomplete: "off" });
  uri.onpaste = (event) => {
    if (event.clipboardData.files.length) { event.preventDefault(); picked(event.clipboardData.files); }
  };
  const form = make("form", { onsubmit: async (event) => {
    event.preventDefault();
    if (await scan({ uri: uri.value })) uri.value = "";
  } }, make("label", { textContent: `Key URI for ${name}` }, uri));
  acts.append(form);
  picture.ondragover = (event) => { event.preventDefault(); picture.classList.add("dropping"); };
  picture.ondragleave = () => picture.classList.remove("dropping");
  picture.ondrop = (event) => {
    event.preventDefault();
    picture.classList.remove("dropping");
    picked(event.dataTransfer.files);
  };
}

function more(device, find) {
  const name = device.name;
  const now = () => latest.devices[name];
  const held = make("div", { className: "row held" });
  held.append(
    press("Lose", () => step({ do: "lose", who: now().holder, device: name }), `Lose ${name}`),
    press("Give back", () => step({ do: "give_back", who: now().holder, device: name }), `Give back ${name}`),
    press("Drop into water", () => step({ do: "break", device: name }), `Drop into water: ${name}`),
  );
  const rows = [
    held,
    choose(`Lend ${name} to`, people, (who) => step({ do: "borrow", who, device: name, from: now().holder })),
    choose(`${name} is found by`, people, (who) => step({ do: "find", who, device: name })),
  ];
  rows[1].classList.add("lend");
  rows[2].classList.add("find");
  if (device.kind === "hardware_totp") {
    rows.push(
      slider("heat", `Temperature of ${name}`, { min: -20, max: 60, step: 1 }, "C",
        (climate) => step({ do: "travel", device: name, climate })),
      slider("bend", `Drift of ${name} from now on`, { min: -120, max: 120, step: 5 }, "ppm",
        (drift) => step({ do: "set_clock", device: name, drift })));
    rows.push(choose(`Take ${name} to`, ["drawer", "office", "pocket", "outdoors", "car"], (climate) =>
      step({ do: "travel", device: name, climate })));
  }
  if (device.clock && device.kind !== "hardware_hotp") {
    const row = make("div", { className: "row" });
    for (const by of ["-5 min", "-30 s", "30 s", "5 min"]) {
      row.append(press(by.startsWith("-") ? by : `+${by}`, () => step({ do: "set_clock", device: name, by }),
        `${by.startsWith("-") ? by : `+${by}`}: set the clock of ${name}`));
    }
    rows.push(make("div", {}, make("p", { className: "what", textContent: "Set its clock" }), row));
  }
  if (device.phone === name) {
    rows.push(make("div", { className: "row" },
      press("Switch off", () => step({ do: "switch_phone", phone: device.phone, to: "off" }), `Switch off ${name}`),
      press("Switch on", () => step({ do: "switch_phone", phone: device.phone, to: "on" }), `Switch on ${name}`),
      press("Airplane mode", () => step({ do: "set_clock", device: name, network: "airplane" }), `Airplane mode of ${name}`),
      press("Network time", () => step({ do: "set_clock", device: name, network: "on" }), `Network time of ${name}`)));
  }
  if (device.kind === "security_key") {
    rows.push(make("div", { className: "row" },
      press("Pull out", () => step({ do: "key_power", device: name, to: "off" }), `Pull out ${name}`),
      press("Plug in", () => step({ do: "key_power", device: name, to: "on" }), `Plug in ${name}`)));
    const pin = make("input", { maxLength: 63, autocomplete: "off" });
    rows.push(make("form", { onsubmit: async (event) => {
      event.preventDefault();
      if (await step({ do: "set_pin", who: now().holder, device: name, pin: pin.value })) pin.value = "";
    } }, make("label", { textContent: `New PIN of ${name}` }, pin)));
  }
  return rows;
}

// Showing

function show(told) {
  latest = told;
  byId("now").textContent = told.now.replace("T", " ").replace(/\.\d+Z$/, " UTC");
  byId("clock").textContent = told.clock === "virtual" ? "(stands until it is moved)" : "(the machine's clock)";
  byId("advance").hidden = told.clock !== "virtual";
  if (told.people.join() !== people.join()) {
    people = told.people;
    const owner = byId("add").elements.owner;
    const chosen = owner.value;
    owner.replaceChildren(...people.map((name) => make("option", { textContent: name })));
    owner.value = people.includes(chosen) ? chosen : people.find((name) => name !== "root") || people[0];
  }
  keys.closest("p").hidden = !Object.values(told.devices).some((each) => each.kind === "security_key");
  byId("empty").hidden = Object.keys(told.devices).length > 0;
  for (const device of Object.values(told.devices)) {
    if (!cards.has(device.name)) {
      cards.set(device.name, build(device));
      if (!add.contains(document.activeElement)) fit();
    }
    update(cards.get(device.name), device, told.now_s);
  }
  if (told.story) tellStory(told.story);
}

function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function update(card, device, nowS) {
  const find = (query) => card.querySelector(query);
  setText(find(".what"), WHAT[device.kind] + (device.serial ? `, ${device.serial}` : ""));
  card.classList.toggle("broken", !device.works && !device.off);
  card.classList.toggle("lost", device.holder === null);
  const where = device.holder === null ? "lost" : device.holder === device.owner
    ? `${device.holder} has it` : `${device.holder} has it, it is ${device.owner}'s`;
  const state = device.works ? "" : device.off ? "; switched off" : "; it does not work any more";
  setText(find(".where"), where + state);
  find(".held").children[0].disabled = device.holder === null;
  find(".held").children[1].hidden = device.holder === null || device.holder === device.owner;
  find(".lend").hidden = device.holder === null;
  find(".find").hidden = device.holder !== null;
  if (find(".digits")) {
    setText(find(".digits"), device.display || "");
    find(".picture").classList.toggle("lit", Boolean(device.display));
  }
  if (device.kind === "totp_app" || device.kind === "sms_phone") screen(find(".screen"), find(".picture"), device);
  if (device.kind === "security_key") {
    find(".picture").classList.toggle("blinking", Boolean(device.asks));
    find(".picture").classList.toggle("unplugged", !device.plugged);
    const pin = device.pin_is_set ? `; PIN set, ${device.pin_retries} tries` : "; no PIN";
    const asks = device.asks ? `; blinks for ${device.asks.site || "a client"}: touch it` : "";
    setText(find(".where"), where + state + (device.plugged ? "; plugged in" : "; not plugged in") + pin + asks);
  }
  if (device.drift_ppm !== undefined) {
    find(".heat").follow(device.temperature_c);
    find(".bend").follow(device.drift_ppm);
  }
  if (device.clock && device.period_s) plot(card, device, nowS);
}

function screen(element, picture, device) {
  picture.classList.toggle("dark", !device.works);
  const key = JSON.stringify([device.works, device.off, device.accounts, device.account, device.code, device.inbox, device.number]);
  if (element.dataset.key !== key) {
    element.dataset.key = key;
    element.replaceChildren(...lines(device));
  }
  const left = element.querySelector("progress");
  if (left) left.value = device.until_next_code_s;
}

function lines(device) {
  const line = (className, textContent) => make("p", { className, textContent });
  if (!device.works) return [];
  if (device.kind === "sms_phone") {
    const texts = device.inbox.map((each) => line("text", each.text));
    return [line("quiet", device.number || "no SIM"), ...(texts.length ? texts : [line("quiet", "No messages")])];
  }
  if (!device.account) return [line("quiet", "No account yet. Scan a QR code.")];
  const shown = [line("account", device.account), line("code", device.code)];
  if (device.until_next_code_s !== undefined) {
    const left = make("progress", { max: device.period_s, value: device.until_next_code_s });
    left.setAttribute("aria-label", "until the next code");
    shown.push(left);
  }
  const others = device.accounts.filter((each) => each !== device.account);
  return [...shown, ...others.map((each) => line("quiet", each))];
}

function seconds(value) {
  const size = Math.abs(value);
  const text = size < 10 ? size.toFixed(2) : size.toFixed(size < 1000 ? 1 : 0);
  return `${value < 0 ? "-" : "+"}${text} s`;
}

function plot(card, device, nowS) {
  const find = (query) => card.querySelector(query);
  const offset = device.clock.offset_s;
  const last = card.history[card.history.length - 1];
  if (!last || last[0] !== nowS || last[1] !== offset) card.history.push([nowS, offset]);
  if (card.history.length > 400) card.history = card.history.filter((_, at) => at % 2 === 0 || at > 390);
  const [low, high] = device.window_s || [0, 0];
  const values = card.history.map((each) => each[1]).concat(device.window_s ? [low, high] : []);
  const top = Math.max(1, ...values), bottom = Math.min(-1, ...values);
  const space = (top - bottom) * 0.12;
  const y = (value) => 72 - ((value - bottom + space) / (top - bottom + 2 * space)) * 72;
  const from = card.history[0][0];
  const span = Math.max(1, nowS - from);
  const x = (time) => 6 + ((time - from) / span) * 222;
  find(".drift").hidden = false;
  find(".line").setAttribute("points", card.history.map(([time, value]) => `${x(time).toFixed(1)},${y(value).toFixed(1)}`).join(" "));
  find(".zero").setAttribute("y1", y(0));
  find(".zero").setAttribute("y2", y(0));
  find(".dot").setAttribute("cx", x(nowS));
  find(".dot").setAttribute("cy", y(offset));
  find(".window").setAttribute("y", device.window_s ? y(high) : 0);
  find(".window").setAttribute("height", device.window_s ? y(low) - y(high) : 0);
  // A code of a step is in the window when the clock is in it, to a step.
  const outside = Boolean(device.window_s) && (offset < low - device.period_s || offset > high + device.period_s);
  card.classList.toggle("outside", outside);
  const window = device.window_s ? `; the verifier looks from ${seconds(low)} to ${seconds(high)}` : "";
  setText(find(".offset"), `${seconds(offset)} off${window}${outside ? ": outside" : ""}`);
  setText(find(".plot title"), `Offset of the clock of ${device.name}: ${find(".offset").textContent}`);
}

function tellStory(story) {
  const list = byId("story");
  list.start = story.before + 1;
  while (list.children.length > story.steps.length) list.lastElementChild.remove();
  story.steps.forEach((each, at) => {
    const item = list.children[at] || list.appendChild(make("li"));
    setText(item, each);
    item.classList.toggle("wrong", each.includes("refused:"));
  });
  const omitted = byId("omitted");
  omitted.replaceChildren(...story.omitted.map((each) => make("li", { textContent: `Not in the story: ${each}` })));
  byId("save").disabled = story.steps.length === 0;
}

// Listening

async function listen() {
  for (let wait = 500; ; wait = Math.min(wait * 2, 8000)) {
    try {
      const answer = await fetch("/_mfalab/events", { headers: { Authorization: `Bearer ${token}` } });
      if (!answer.ok) throw new Error((await answer.json()).error);
      byId("connection").textContent = "Connected";
      wait = 500;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let text = "", done = false; !done;) {
        const part = await reader.read();
        done = part.done;
        text += part.value || "";
        const events = text.split("\n\n");
        text = events.pop();
        const states = events.filter((each) => each.startsWith("data: "));
        if (states.length) show(JSON.parse(states.pop().slice(6)));
      }
      byId("connection").textContent = "The server is gone; trying again";
    } catch (error) {
      byId("connection").textContent = `Not connected: ${error.message}`;
      if (!token) return;
    }
    await new Promise((go) => setTimeout(go, wait));
  }
}

// Time passes in parts, so that offsets are seen to grow.
const PARTS = { "1 d": [8, "3 h"], "30 d": [15, "2 d"], "365 d": [73, "5 d"] };
byId("advance").onclick = async (event) => {
  const by = event.target.dataset.advance;
  if (!by) return;
  const [times, part] = PARTS[by] || [1, by];
  byId("advance").inert = true;
  for (let left = times; left > 0; left -= 1) {
    if (!(await act("clock", { advance: part }))) break;
  }
  byId("advance").inert = false;
};

const add = byId("add");
function fit() {
  const kind = add.elements.kind.value;
  for (const label of add.querySelectorAll("[data-for]")) label.hidden = label.dataset.for !== kind;
  const taken = new Set(cards.keys());
  let name = NAMES[kind];
  for (let number = 2; taken.has(name); number += 1) name = `${NAMES[kind]}${number}`;
  add.elements.name.value = name;
}
add.elements.kind.onchange = fit;
add.elements.drift.oninput = () => { byId("drift").textContent = `${add.elements.drift.value} ppm`; };
add.onsubmit = async (event) => {
  event.preventDefault();
  const { kind, name, owner, drift, climate, pin } = add.elements;
  const words = { kind: kind.value, owner: owner.value };
  if (kind.value === "hardware_totp") Object.assign(words, { drift: `${drift.value} ppm`, climate: climate.value });
  if (kind.value === "security_key" && pin.value) words.pin = pin.value;
  const put = await act("devices", { [name.value]: words });
  if (!put) return;
  cards.set(name.value, cards.get(name.value) || build(put.devices[name.value]));
  fit();
};

byId("save").onclick = () => attempt(async () => {
  const text = await ask("GET", "scenario");
  const link = make("a", { href: URL.createObjectURL(new Blob([text])), download: "story.scenario.yaml" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  const count = (begin) => text.split("\n").filter((each) => each.startsWith(begin)).length;
  const unlike = count("# replayed otherwise: "), unsaid = count("# not expressed: ");
  byId("saved").textContent = `Saved. It was replayed, and ${unlike ? `${unlike} steps ended otherwise` : "every step ended as recorded"}.`
    + (unsaid ? ` What no step expresses is in ${unsaid} comments.` : "");
});
byId("restart").onclick = () => act("record", { begin: "again" });

// The script keys.js, in the pages of the console, looks for this.
const keys = byId("keys");
keys.checked = Boolean(token) && localStorage.getItem("mfalab-keys") === token;
keys.onchange = () => {
  if (keys.checked) localStorage.setItem("mfalab-keys", token);
  else localStorage.removeItem("mfalab-keys");
};

if (!token) complain(new Error("Open the shelf by the link in the start line of mfalab serve: it carries the token."));
listen();
