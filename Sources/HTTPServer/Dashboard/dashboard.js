// Freshet's dashboard. Plain JavaScript and SVG, a canvas for the map; nothing from outside.
"use strict";

const $ = (id) => document.getElementById(id);

/** An element with attributes and children; text stays text. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") element.className = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// ---- Numbers in words ------------------------------------------------------------------------------------------------

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

const number = (value, digits = 3) => value == null ? "–" : Number(value).toFixed(digits).replace("-", "−");
const count = (value) => value == null ? "–" : Math.abs(value) < 100000 ? whole.format(value) : short.format(value);
const rate = (value) => value == null ? "–" : value > 0 && value < 10 ? value.toFixed(1) : count(value);

function duration(seconds) {
  if (seconds == null) return "–";
  if (seconds < 0.001) return `${Math.max(1, Math.round(seconds * 1e6))} µs`;
  if (seconds < 1) return `${seconds < 0.01 ? (seconds * 1000).toFixed(1) : Math.round(seconds * 1000)} ms`;
  if (seconds < 100) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

function bytes(value) {
  if (value == null) return "–";
  const units = ["B", "KB", "MB", "GB", "TB"];
  let place = 0;
  while (value >= 1000 && place < units.length - 1) { value /= 1000; place += 1; }
  return `${value < 10 && place ? value.toFixed(1) : Math.round(value)} ${units[place]}`;
}

// ---- The daemon ------------------------------------------------------------------------------------------------------

let token = sessionStorage.getItem("freshet-token") || "";

class Refusal extends Error {
  constructor(problem) { super(problem.detail || problem.title); this.code = problem.code; }
}

/** Asks once more after the token was given. */
let asking = null;
function askForToken() {
  asking ||= new Promise((resolve) => {
    const dialog = $("token-dialog");
    dialog.addEventListener("close", () => {
      token = $("token").value.trim();
      sessionStorage.setItem("freshet-token", token);
      asking = null;
      resolve();
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}

async function request(path, options = {}) {
  while (true) {
    const headers = { ...options.headers };
    if (token) headers.Authorization = `Bearer ${token}`;
    const response = await fetch(path, { ...options, headers, cache: "no-store" });
    if (response.status !== 401) return response;
    await askForToken();
  }
}

async function ask(path, parameters = {}, body) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) if (value != null && value !== "") query.append(key, value);
  const target = query.size ? `${path}?${query}` : path;
  const options = body === undefined ? {} : {
    method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
  };
  const response = await request(target, options);
  const answer = await response.json();
  if (!response.ok) throw new Refusal(answer);
  return answer;
}

const named = (item) => item.title || item.id;
const path = (...parts) => parts.map(encodeURIComponent).join("/");

/** A control that lets the last of several quick changes win. */
function debounced(milliseconds, body) {
  let timer;
  return (...values) => { clearTimeout(timer); timer = setTimeout(() => body(...values), milliseconds); };
}

/** Runs work whose answer only counts while no later one was begun. */
function latest() {
  let turn = 0;
  return async (work, show, fail) => {
    const mine = ++turn;
    try {
      const answer = await work();
      if (mine === turn) show(answer);
    } catch (error) {
      if (mine === turn) fail(error);
    }
  };
}

const problem = (error) =>
  error instanceof TypeError ? "The daemon does not answer." : `${error.message[0].toUpperCase()}${error.message.slice(1)}.`;

// ---- Now -------------------------------------------------------------------------------------------------------------

const tiles = [
  { id: "events", title: "Events a second", of: (now) => now["events-per-s"], text: rate,
    small: (now) => `${count(now.status["events.applied"])} in all`
      + (now.status["events.duplicates"] > 0 ? `, ${count(now.status["events.duplicates"])} delivered twice` : "") },
  { id: "lag", title: "Behind the log", of: (now) => now.status["lag.total"], text: count,
    small: (now) => now.status["log.reachable"] === false ? "log unreachable" : "events" },
  { id: "freshness", title: "Freshness", of: (now) => now["freshness-p50-s"], text: duration,
    small: (now) => `99 % within ${duration(now["freshness-p99-s"])}` },
  { id: "lookups", title: "Look-ups a second", of: (now) => now["lookups-per-s"], text: rate,
    small: (now) => now["lookup-p99-s"] == null ? "nobody has asked of late" : `99 % within ${duration(now["lookup-p99-s"])}` },
  { id: "checkpoint", title: "Last checkpoint", of: (now) => now.status["checkpoint.age-s"],
    text: (value) => value == null ? "none yet" : `${duration(value)} ago`,
    small: (now) => now.status["checkpoint.written"] ? `took ${duration(now.status["checkpoint.last-ms"] / 1000)}`
      : now.status["checkpoint.age-s"] == null ? "the log has all of it" : "" },
  { id: "rows", title: "Known", of: (now) => now.status["users.count"], text: (value) => `${count(value)} users`,
    small: (now) => `${count(now.status["items.count"])} items, ${bytes(now.status["memory.resident-bytes"])}` },
];

/** The daemons of the group, where this is one of several: this one first. */
function members(status) {
  const peers = new Map();
  for (const [name, value] of Object.entries(status)) {
    const found = /^cluster\.peer\.([0-9a-f]+)\.(.+)$/.exec(name);
    if (found) peers.set(found[1], { ...peers.get(found[1]), [found[2]]: value });
  }
  const own = {
    address: status["cluster.address"], partitions: status["cluster.partitions"],
    "bytes-sent": status["cluster.bytes-sent"], standby: status["cluster.standby"],
  };
  return [own, ...[...peers.keys()].sort().map((name) => peers.get(name))];
}

/** Of the copies that this daemon keeps of others' partitions, how far the last of them is behind. */
function standbyLag(status) {
  const followed = (status["cluster.standby"] || "").split(" ").filter(Boolean);
  if (!followed.length) return "";
  const lags = followed.map((partition) => status[`cluster.standby.${partition}.lag-events`]);
  const missing = lags.filter((lag) => lag == null).length;
  return missing ? ` (${missing} being made)` : ` (${count(Math.max(...lags))} events behind)`;
}

function showMembers(status) {
  $("members").hidden = status["cluster.member"] == null;
  if ($("members").hidden) return;
  const cell = (text) => make("td", {}, text);
  const ago = (seconds, without) => seconds == null ? without : `${duration(seconds)} ago`;
  const rows = members(status).map((member, place) => make("tr", {},
    cell(place ? member.address : `${member.address} (this one)`), cell(member.partitions || "none"),
    cell(`${member.standby || "none"}${place ? "" : standbyLag(status)}`),
    cell(place ? ago(member["age-s"], "never") : "now"),
    cell(place ? ago(member["items-age-s"], "nothing yet") : "–"), cell(bytes(member["bytes-sent"]))));
  const [answered, all] = [status["cluster.partitions.answered"], status["cluster.partitions.all"]];
  $("members").replaceChildren(make("table", {},
    make("caption", {}, `Daemons of the group: ${answered} of ${all} partitions are answered for.`),
    make("thead", {}, make("tr", {}, ...["Asked at", "Partitions", "Copies of", "Heard of", "News of items", "Has sent"]
      .map((title) => make("th", { scope: "col" }, title)))),
    make("tbody", {}, ...rows)));
}

const pastMax = 120;
/** Fewer make no picture. */
const pastMin = 8;

function drawTiles() {
  for (const tile of tiles) {
    tile.past = [];
    tile.value = make("dd", { id: `now-${tile.id}` }, "–");
    tile.note = make("dd", { class: "small" }, " ");
    tile.line = svg("polyline", { class: "spark", points: "" });
    const picture = svg("svg", { viewBox: `0 0 ${pastMax} 26`, preserveAspectRatio: "none", "aria-hidden": "true" }, tile.line);
    $("tiles").append(make("div", {}, make("dt", {}, tile.title), tile.value, tile.note, picture));
  }
}

function showNow(now) {
  $("away").hidden = true;
  $("health").dataset.state = now.health.state;
  if ($("health-words").textContent !== now.health.words) $("health-words").textContent = now.health.words;
  for (const tile of tiles) {
    const value = tile.of(now);
    tile.value.textContent = tile.text(value);
    tile.value.dataset.value = value ?? "";
    tile.note.textContent = tile.small(now) || " ";
    tile.past.push(value ?? 0);
    if (tile.past.length > pastMax) tile.past.shift();
    const top = Math.max(...tile.past) || 1;
    const from = pastMax - tile.past.length;
    tile.line.setAttribute("points", tile.past.length < pastMin ? "" : tile.past.map((v, i) => `${from + i},${(24 - 22 * v / top).toFixed(1)}`).join(" "));
  }
  showMembers(now.status);
  live = now.models;
  // The first events have come: what was empty is asked for again.
  if (isEmpty && now.status["events.applied"] > 0) begin();
  isEmpty = now.status["events.applied"] === 0;
  knowModels(now.models);
}

function showAway() {
  $("away").textContent = "The daemon went away. What you see is from before; trying to reach it again …";
  $("away").hidden = false;
  $("health").dataset.state = "away";
  $("health-words").textContent = "No answer from the daemon.";
}

/** Follows the stream for ever; a stream that ends, or is silent for ten seconds, is begun anew. */
async function follow() {
  for (let wait = 500; ; wait = Math.min(5000, wait * 1.5)) {
    const stop = new AbortController();
    let guard;
    const expect = () => { clearTimeout(guard); guard = setTimeout(() => stop.abort(), 10000); };
    try {
      expect();
      const response = await request("/v1/stream", { signal: stop.signal });
      if (response.status === 503) {
        const refusal = await response.json();
        $("health").dataset.state = "loading";
        $("health-words").textContent = `${refusal.detail[0].toUpperCase()}${refusal.detail.slice(1)} …`;
      } else {
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        let text = "";
        for (let turn = 0; ; turn += 1) {
          const { done, value } = await reader.read();
          if (done) break;
          expect();
          text += value;
          const events = text.split("\n\n");
          text = events.pop();
          for (const event of events) if (event.startsWith("data: ")) showNow(JSON.parse(event.slice(6)));
          if (turn % 3 === 0) curves.refresh();
          if (wait > 500) { wait = 500; begin(); }
        }
        showAway();
      }
    } catch {
      showAway();
    }
    clearTimeout(guard);
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

// ---- Models ----------------------------------------------------------------------------------------------------------

const counting = new Set(["popular", "trending", "repeat", "next", "blend"]);
let models = [];
/** The same with their newest numbers. */
let live = [];
let isEmpty = false;

function knowModels(list) {
  const names = list.map((model) => `${model.name}${model.default ? "*" : ""}`).join();
  if (names === models.names) return;
  models = list;
  models.names = names;
  for (const [id, fits] of [
    ["ask-model", () => true], ["top-model", () => true], ["map-model", (model) => !counting.has(model.learner)],
  ]) {
    const chosen = $(id).value;
    const options = list.filter(fits).map((model) => make(
      "option", { value: model.name, selected: chosen ? model.name === chosen : model.default && id !== "map-model" }, model.name));
    if (id === "map-model") options.unshift(make("option", { value: "", selected: !chosen }, "by default"));
    $(id).replaceChildren(...options);
  }
  items.list();
}

// ---- Is it any good? -------------------------------------------------------------------------------------------------

const curves = {
  turn: latest(),
  refresh() {
    this.turn(() => ask("/v1/curves"), (answer) => this.show(answer), (error) => {
      if (!$("curves").querySelector("figure")) this.say(problem(error));
    });
  },
  say(words) { $("curves").replaceChildren(make("p", { class: "empty" }, words)); },
  show(answer) {
    this.answer = answer;
    const drawn = answer.models.filter((model) => model.values.some((value) => value != null));
    if (!drawn.length) {
      return this.say("No score yet. Feed some events: each is predicted before it is learned, and the curve begins here.");
    }
    $("verdict").replaceChildren(...verdict(drawn));
    const first = answer.times.findIndex((_, i) => drawn.some((model) => model.values[i] != null));
    const since = new Date(answer.times[first]).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    $("curves-since").textContent = `The curves go back to ${since}, after ${count(answer.applied[first])} events, and are kept when the daemon restarts.`;
    // The one that most people get first.
    const asked = live.find((model) => model.default);
    drawn.sort((one, other) => (asked && other.name === asked.name) - (asked && one.name === asked.name));
    $("curves").replaceChildren(...drawn.map((model) => chart(model, answer)));
    const marks = answer.marks.slice(-5).reverse().map((mark) => make("li", {},
      `${new Date(mark.time).toLocaleTimeString()} · after ${count(mark.applied)} events · ${mark.model} ${mark.text}`));
    $("marks").replaceChildren(...marks);
  },
};

/** What each learner is for, in a few words. */
const purposes = {
  sgd: "what rating a user will give", bpr: "what a user will like", warp: "what a user will like", als: "what a user will like",
  popular: "what everybody takes", trending: "what is taken more than usual", repeat: "what a user takes again",
  next: "what follows the last things taken", blend: "all the others together",
};

/** [class, words]: whether the model is better than its baseline, as far as its newest score tells. */
function judged(model, last) {
  if (last.base == null) return ["said", "no baseline yet"];
  const lead = (last.y - last.base) * (model["less-is-better"] ? -1 : 1), baseline = `${model["baseline-name"]} (${number(last.base)})`;
  if (lead > 1.96 * last.error) return ["wins", `better than ${baseline}`];
  return lead < -1.96 * last.error ? ["loses", `worse than ${baseline}`] : ["said", `no different from ${baseline}`];
}

/** One sentence on the model that is asked by default. */
function verdict(drawn) {
  const asked = live.find((model) => model.default), model = asked && drawn.find((other) => other.name === asked.name);
  if (!model) return [];
  const at = model.values.findLastIndex((value) => value != null);
  const base = model.baselines[at], words = judged(model, { y: model.values[at], base, error: model.errors[at] || 0 })[1];
  const percent = (part) => `${Math.round(100 * part)} %`;
  const plainly = model.measure.startsWith("recall")
    ? ` Of what was taken next ${percent(model.values[at])} was among its first ten${base == null ? "" : `, and ${percent(base)} among those of ${model["baseline-name"]}`}.` : "";
  return [make("p", { class: "verdict" }, `“${model.name}”, the model that answers where none is named, is ${words} in ${model.measure}, with ${number(model.values[at])}.${plainly}`)];
}

/** By how much the model is ahead of the one that is asked by default, or behind it, in what all models can be measured by. */
function lead(model, answer) {
  if (!model["lead-over"] || model.lead == null) return null;
  const sign = model.lead < 0 ? -1 : 1, measure = answer.models.some((other) => !other["less-is-better"]) ? "recall@10" : "variance explained";
  const ends = [sign * model["lead-low"], sign * model["lead-high"]].sort((a, b) => a - b).map((end) => number(end));
  return `${sign < 0 ? "behind" : "ahead of"} ${model["lead-over"]} by ${number(sign * model.lead)} of ${measure} (${ends.join(" to ")})`;
}

function chart(model, answer) {
  const room = $("curves").clientWidth, columns = getComputedStyle($("curves")).gridTemplateColumns.split(" ").length;
  const width = Math.max(260, Math.round(room / columns - 10)), [height, left, right, top, bottom] = [220, 44, 86, 12, 24];
  const points = answer.applied.map((x, i) => ({ x, y: model.values[i], base: model.baselines[i], error: model.errors[i] || 0 }))
    .filter((point) => point.y != null);
  const last = points[points.length - 1];
  const [x0, x1] = [points[0].x, Math.max(last.x, points[0].x + 1)];
  const ys = points.flatMap((p) => [p.y - 2 * p.error, p.y + 2 * p.error, p.base]).filter((y) => y != null);
  // The first few scored events say little and swing wide; they must not flatten all that follows.
  const settled = points.slice(Math.floor(points.length / 10)).flatMap((p) => [p.y, p.base]).filter((y) => y != null);
  const margin = (Math.max(...settled) - Math.min(...settled)) * 0.25 || Math.abs(last.y) * 0.1 || 0.1;
  let low = Math.max(Math.min(...ys), Math.min(...settled) - margin), high = Math.min(Math.max(...ys), Math.max(...settled) + margin);
  if (high - low < 1e-9) [low, high] = [low - margin, high + margin];
  // Neither a recall nor an error is ever less.
  low = Math.max(0, low);
  const X = (x) => left + (width - left - right) * (x - x0) / (x1 - x0);
  const Y = (y) => Math.max(top, Math.min(height - bottom, top + (height - top - bottom) * (high - y) / (high - low || 1)));
  // What lies outside is cut off there, rather than drawn along the edge as if it were a value.
  const curveY = (y) => top + (height - top - bottom) * (high - y) / (high - low || 1);
  const clip = `clip-${model.name}`;
  const line = (value) => points.filter((p) => value(p) != null).map((p) => `${X(p.x).toFixed(1)},${curveY(value(p)).toFixed(1)}`).join(" ");
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `${model.measure} of ${model.name}: ${number(last.y)}, of ${model["baseline-name"]}: ${number(last.base)}` });
  // As many as tell the three apart.
  const digits = Math.min(6, Math.max(3, Math.ceil(-Math.log10(high - low)) + 1));
  for (const part of [0, 0.5, 1]) {
    const y = low + (high - low) * part;
    picture.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: Y(y), y2: Y(y) }),
      svg("text", { class: "tick", x: left - 6, y: Y(y) + 4, "text-anchor": "end" }, number(y, digits)));
  }
  picture.append(svg("text", { class: "tick", x: left, y: height - 6 }, count(x0)),
    svg("text", { class: "tick", x: width - right, y: height - 6, "text-anchor": "end" }, `${count(x1)} events`));
  for (const mark of answer.marks.filter((mark) => mark.model === model.name && mark.applied >= x0)) {
    picture.append(svg("line", { class: "mark", x1: X(mark.applied), x2: X(mark.applied), y1: top, y2: height - bottom },
      svg("title", {}, `${mark.text}, after ${count(mark.applied)} events`)));
  }
  const upper = points.map((p) => `${X(p.x).toFixed(1)},${curveY(p.y + 1.96 * p.error).toFixed(1)}`);
  const lower = points.map((p) => `${X(p.x).toFixed(1)},${curveY(p.y - 1.96 * p.error).toFixed(1)}`).reverse();
  picture.append(svg("clipPath", { id: clip }, svg("rect", { x: left, y: top, width: width - left - right, height: height - top - bottom })),
    svg("g", { "clip-path": `url(#${clip})` },
      svg("polygon", { class: "band", points: [...upper, ...lower].join(" ") }),
      svg("polyline", { class: "base", points: line((p) => p.base) }),
      svg("polyline", { class: "model", points: line((p) => p.y) })));
  picture.append(svg("circle", { class: "point", cx: X(last.x), cy: Y(last.y), r: 3.5 }));
  if (last.base != null) picture.append(svg("circle", { class: "point of-base", cx: X(last.x), cy: Y(last.base), r: 3 }));
  // Two labels must not lie over each other.
  let [modelAt, baseAt] = [Y(last.y), last.base == null ? null : Y(last.base)];
  if (baseAt != null && Math.abs(modelAt - baseAt) < 14) {
    const middle = Math.max(top + 8, Math.min(height - bottom - 8, (modelAt + baseAt) / 2));
    [modelAt, baseAt] = modelAt <= baseAt ? [middle - 7, middle + 7] : [middle + 7, middle - 7];
  }
  picture.append(svg("text", { class: "end", x: width - right + 6, y: modelAt + 4 }, model.name));
  if (baseAt != null) picture.append(svg("text", { class: "end of-base", x: width - right + 6, y: baseAt + 4 }, model["baseline-name"]));

  const said = make("span", { class: judged(model, last)[0] }, judged(model, last)[1]);
  const what = model["less-is-better"] ? `${model.measure.toUpperCase()}, less is better` : `${model.measure}, more is better`;
  const value = make("span", { "data-model": model.name, "data-value": last.y }, number(last.y));
  const read = make("span", { class: "said" });
  const cursor = svg("line", { class: "cursor", y1: top, y2: height - bottom, x1: -9, x2: -9 });
  picture.append(cursor);
  picture.addEventListener("pointermove", (event) => {
    const at = picture.getBoundingClientRect();
    const x = x0 + (x1 - x0) * ((event.clientX - at.left) / at.width * width - left) / (width - left - right);
    const near = points.reduce((best, p) => Math.abs(p.x - x) < Math.abs(best.x - x) ? p : best);
    for (const side of ["x1", "x2"]) cursor.setAttribute(side, X(near.x));
    read.textContent = `after ${count(near.x)}: ${number(near.y)} / ${number(near.base)}`;
  });
  picture.addEventListener("pointerleave", () => {
    read.textContent = "";
    for (const side of ["x1", "x2"]) cursor.setAttribute(side, -9);
  });
  const newest = live.find((other) => other.name === model.name) || {};
  const over = lead(newest, answer);
  const purpose = purposes[newest.learner] ? make("span", { class: "said" }, purposes[newest.learner]) : null;
  return make("figure", {}, make("figcaption", {}, make("b", {}, model.name), purpose, newest.default ? make("span", { class: "said" }, "(asked by default)") : null,
    value, said, make("span", { class: "said" }, what), over ? make("span", { class: "said" }, over) : null, read), picture);
}

// ---- Titles to choose from -------------------------------------------------------------------------------------------

/** Titles that hold what is typed, to choose one from. */
function chooser(input, list, choose) {
  const turn = latest();
  const show = (entries) => { list.replaceChildren(...entries); list.hidden = !entries.length; };
  const find = debounced(150, () => {
    const words = input.value.trim();
    if (!words) return turn(async () => [], show, () => {});
    turn(() => ask("/v1/items", { q: words, count: 12 }), (answer) => show(answer.items.length
      ? answer.items.map((item) => make("li", {}, make("button", { type: "button", onclick: () => { show([]); choose(item); } },
        named(item), make("span", { class: "tags" }, [item.title ? item.id : null, ...item.tags].filter(Boolean).join(" · ")))))
      : [make("li", { class: "empty" }, `No title holds “${words}”.`)]),
    (error) => show([make("li", { class: "empty problem" }, problem(error))]));
  });
  input.addEventListener("input", find);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") show([]);
    if (event.key === "Enter" && !list.hidden) {
      event.preventDefault();
      list.querySelector("button")?.click();
    }
  });
}

// ---- Ask -------------------------------------------------------------------------------------------------------------

const asks = {
  turn: latest(), user: null, picked: [], before: [],

  begin() {
    $("ask-form").addEventListener("submit", (event) => { event.preventDefault(); this.go(); });
    $("ask-model").addEventListener("change", () => this.go());
    for (const radio of document.getElementsByName("who")) radio.addEventListener("change", () => this.turnTo(radio.value));
    chooser($("ask-pick"), $("ask-found"), (item) => {
      $("ask-pick").value = "";
      if (!this.picked.some((other) => other.id === item.id)) this.picked.push(item);
      this.go();
    });
  },

  get isVisitor() { return document.querySelector("[name=who]:checked").value === "visitor"; },

  turnTo() {
    $("ask-user-field").hidden = this.isVisitor;
    $("ask-pick-field").hidden = !this.isVisitor;
    $("ask-found").hidden = true;
    this.before = [];
    this.go();
  },

  go(after, note) {
    $("ask-picked").hidden = !this.isVisitor || !this.picked.length;
    $("ask-picked").replaceChildren(...this.picked.map((item) => make("li", {}, make("button", {
      type: "button", "aria-label": `Take ${named(item)} away`,
      onclick: () => { this.picked = this.picked.filter((other) => other !== item); this.go(); },
    }, `${named(item)} ×`))));
    const model = $("ask-model").value;
    if (this.isVisitor && !this.picked.length) {
      $("ask-list").replaceChildren();
      $("ask-note").textContent = "Search titles and pick what the visitor took: nothing else is known of visitors, and nothing is kept.";
      return;
    }
    const user = $("ask-user").value.trim();
    if (user !== this.user) { this.before = []; this.user = user; }
    const work = this.isVisitor
      ? () => ask("/v1/recommend", {}, { items: this.picked.map((item) => item.id), count: 10, titles: true, meta: true, model: model || undefined })
      : () => ask(`/v1/recommend/${path(user || "(a stranger)")}`, { count: 10, titles: true, meta: true, model, after, "timeout-ms": after && 5000 });
    this.turn(work, (answer) => this.show(answer, note), (error) => {
      $("ask-list").replaceChildren();
      $("ask-note").replaceChildren(make("span", { class: "problem" }, problem(error)));
    });
  },

  show(answer, note) {
    const stranger = !this.isVisitor && !this.user;
    const popular = answer.meta.fallback === "popular";
    $("ask-note").textContent = note || (!answer.items.length ? "There is nothing to recommend yet."
      : stranger ? "What a stranger sees: what is popular. Type a user’s id to see theirs."
      : popular ? `Nothing is known of “${this.user}” that this model learns from: what is popular.`
      : `By ${answer.meta.model}, out of ${count(answer.meta.candidates)} items; ${this.isVisitor ? "take" : "rate"} one and watch the list change.`);
    const before = this.before;
    $("ask-list").replaceChildren(...answer.items.map((item, place) => this.row(item, place, before, stranger)));
    this.before = answer.items.map((item) => item.id);
  },

  row(item, place, before, stranger) {
    const was = before.indexOf(item.id);
    const moved = !before.length || was === place ? "" : was < 0 ? "new" : was > place ? `↑ ${was - place}` : `↓ ${place - was}`;
    const why = make("div", { class: "why", hidden: true });
    const acts = [];
    if (!this.isVisitor && !stranger) {
      acts.push(make("button", { type: "button", "aria-expanded": "false", onclick: (event) => this.explain(item, why, event.target) }, "Why?"));
      acts.push(make("span", { class: "stars", role: "group", "aria-label": `Rate ${named(item)}` }, ...[1, 2, 3, 4, 5].map((stars) => make("button", {
        type: "button", "aria-label": `${stars} of 5`, title: `${stars} of 5`, onclick: () => this.rate(item, stars),
      }, "★"))));
    } else if (this.isVisitor) {
      acts.push(make("button", { type: "button", onclick: () => { this.picked.push(item); this.go(); } }, "Take"));
    }
    return make("li", { class: moved === "new" ? "fresh" : "", "data-item": item.id },
      make("div", { class: "row" },
        make("span", { class: "name" },
          make("button", { type: "button", onclick: () => items.open(item.id, true) }, named(item)),
          make("span", { class: "tags" }, item.tags.join(" · ")), moved ? make("span", { class: "moved" }, moved) : null),
        make("span", { class: "score" }, number(item.score)), make("span", { class: "acts" }, ...acts)), why);
  },

  async rate(item, stars) {
    $("ask-note").textContent = `Rating “${named(item)}” with ${stars} …`;
    try {
      const user = this.user;
      const answer = await ask("/v1/events", {}, { user, item: item.id, rating: stars, ts: Date.now() });
      this.go(answer.results[0].token, `${user} gave “${named(item)}” ${stars} of 5: the list is what follows from it.`);
    } catch (error) {
      $("ask-note").replaceChildren(make("span", { class: "problem" }, problem(error)));
    }
  },

  async explain(item, place, button) {
    place.hidden = !place.hidden;
    button.setAttribute("aria-expanded", String(!place.hidden));
    if (place.hidden) return;
    place.replaceChildren(make("p", { class: "empty" }, "Loading …"));
    try {
      const reason = await ask(`/v1/explain/${path(this.user, item.id)}`, { model: $("ask-model").value });
      place.replaceChildren(...explanation(reason));
    } catch (error) {
      place.replaceChildren(make("p", { class: "problem" }, problem(error)));
    }
  },
};

/** A part of a blend's score in words. */
function partWords(name) {
  if (name === "taken before") return "that it was taken before";
  if (name === "tags") return "how its tags and its time are liked";
  const length = /^popular (.+)$/.exec(name);
  return !length ? `model ${name}` : length[1] === "ever" ? "how much it is taken" : `how much it is taken, over some ${length[1]}`;
}

/** The parts of a score, and the past items that carry it. */
function explanation(reason) {
  const parts = reason.parts ? Object.entries(reason.parts).filter(([, value]) => value !== 0)
    .sort(([, a], [, b]) => Math.abs(b) - Math.abs(a)).map(([name, value]) => [partWords(name), value]) : [["all ratings’ mean", reason.mean], ["how this user rates", reason["user-bias"]],
    ["how the item is rated", reason["item-bias"]], ["taste and item match", reason.match]].filter(([, value]) => value != null);
  const widest = Math.max(...parts.map(([, value]) => Math.abs(value)), 1e-9);
  const grid = make("div", { class: "parts" });
  for (const [name, value] of parts) {
    const wide = Math.abs(value) / widest * 49;
    grid.append(make("span", {}, name), svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("line", { class: "zero", x1: 50, x2: 50, y1: 0, y2: 10 }),
      svg("rect", { class: value < 0 ? "minus" : "plus", x: value < 0 ? 50 - wide : 50, width: wide, y: 1, height: 8 })),
    make("span", { class: "score" }, number(value)));
  }
  grid.append(make("b", {}, "score"), make("span"), make("b", {}, number(reason.score)));
  // What is hardly alike is no reason.
  const carriers = reason["carried-by"].filter((carrier) => carrier.share != null || carrier.similarity >= 0.05).map((carrier) =>
    `${carrier.title || carrier.item} (${carrier.share == null ? `${Math.round(100 * carrier.similarity)} % alike` : `adds ${number(carrier.share)}`}, given ${number(carrier.value, 1)})`);
  const rank = reason.rank ? `Rank ${reason.rank} of what may be recommended.` : reason["why-not"].length ? `Kept out: ${reason["why-not"].join(", ")}.` : "";
  return [grid, make("p", {}, carriers.length ? `Carried by ${carriers.join("; ")}.` : "Nothing that this user took speaks for it in particular."),
    make("p", { class: "empty" }, rank)];
}

// ---- Items -----------------------------------------------------------------------------------------------------------

const items = {
  turn: latest(), listTurn: latest(),

  begin() {
    chooser($("items-search"), $("items-found"), (item) => this.open(item.id));
    $("items-form").addEventListener("submit", (event) => event.preventDefault());
    for (const id of ["top-by", "top-model", "top-among"]) $(id).addEventListener("change", () => this.list());
    $("top-model").addEventListener("change", () => { if (this.shown) this.open(this.shown); });
  },

  list() {
    const by = $("top-by").value;
    const ofBias = by.endsWith("bias");
    $("top-among-field").hidden = !ofBias;
    const among = ofBias && $("top-among").checked ? 200 : null;
    this.listTurn(() => ask("/v1/top", { by, count: 12, titles: true, model: $("top-model").value, among }), (answer) => {
      $("top").replaceChildren(...(answer.items.length ? answer.items.map((item) => this.row(item))
        : [make("li", { class: "empty" }, "Nothing yet.")]));
    }, (error) => $("top").replaceChildren(make("li", { class: "problem" }, problem(error))));
  },

  row(item) {
    return make("li", { "data-item": item.id }, make("div", { class: "row" },
      make("span", { class: "name" }, make("button", { type: "button", onclick: () => this.open(item.id) }, named(item)),
        make("span", { class: "tags" }, (item.tags || []).join(" · "))),
      make("span", { class: "score" }, number(item.score))));
  },

  open(id, scrolls) {
    if (scrolls) $("items").scrollIntoView();
    this.shown = id;
    $("item").replaceChildren(make("p", { class: "empty" }, "Loading …"));
    const model = $("top-model").value;
    this.turn(async () => {
      const item = await ask(`/v1/items/${path(id)}`);
      // A model that counts knows nothing of likeness; what follows an item, one of them does.
      const learner = models.find((other) => other.name === model)?.learner;
      const near = counting.has(learner) && !["next", "blend"].includes(learner) ? { items: [] }
        : await ask(`/v1/similar/${path(id)}`, { count: 8, titles: true, model }).catch((error) => error);
      return [item, near];
    }, ([item, near]) => this.card(item, near, model),
    (error) => $("item").replaceChildren(make("p", { class: "problem" }, problem(error))));
  },

  card(item, near, model) {
    // A model that counts or combines has no biases: as the list does, the first that ranks is asked.
    const counts = counting.has(models.find((other) => other.name === model)?.learner);
    const biased = counts ? models.find((other) => !counting.has(other.learner) && other.learner !== "sgd")?.name ?? model : model;
    const of = item.models[model] || Object.values(item.models)[0] || {};
    const facts = [["Users", count(item.users)], ["Ratings", count(item.ratings)], ["Mean rating", number(item.mean, 2)],
      [`Bias (${biased})`, number((item.models[biased] || of).bias)], ["Popularity", number(of.popular, 1)], ["Trend", number(of.trending, 1)]];
    $("item").replaceChildren(
      make("h3", {}, named(item)),
      make("p", { class: "empty" }, [item.id, ...item.tags, item.available ? null : "not available"].filter(Boolean).join(" · ")),
      make("dl", { class: "facts" }, ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))),
      make("h3", {}, `Nearest, by ${model}`),
      near instanceof Error ? make("p", { class: "empty" }, problem(near))
        : make("ol", { class: "list plain" }, ...(near.items.length ? near.items.map((other) => this.row(other)) : [make("li", { class: "empty" }, "None yet.")])),
      make("button", { type: "button", onclick: () => { $("map").scrollIntoView(); map.flyTo(item.id); } }, "Show on the map"));
  },
};

// ---- Map -------------------------------------------------------------------------------------------------------------

const tagColours = 7;

const map = {
  turn: latest(), points: null, view: { x: 0, y: 0, zoom: 1 }, chosen: null, only: null, near: [], hover: -1, frame: 0,

  begin() {
    this.canvas = $("map-canvas");
    this.brush = this.canvas.getContext("2d");
    $("map-model").addEventListener("change", () => this.load());
    $("map-again").addEventListener("click", () => this.load());
    for (const id of ["map-x", "map-y"]) $(id).addEventListener("change", () => {
      this.place();
      this.ends();
      // Whoever looks at an item goes on looking at it, with its neighbours along the other axes.
      if (this.chosen == null) this.whole(); else this.flyTo(this.points.ids[this.chosen]);
    });
    chooser($("map-search"), $("map-found"), (item) => { $("map-search").value = named(item); this.flyTo(item.id); });
    $("map-in").addEventListener("click", () => this.zoomAt(1.5));
    $("map-out").addEventListener("click", () => this.zoomAt(1 / 1.5));
    $("map-whole").addEventListener("click", () => { this.chosen = null; this.near = []; this.whole(); });
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.listen();
  },

  listen() {
    const held = new Map();
    let pinch = 0;
    this.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomAt(Math.exp(-event.deltaY * 0.0015), event.offsetX, event.offsetY);
    }, { passive: false });
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      held.set(event.pointerId, event);
      pinch = 0;
    });
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, (event) => held.delete(event.pointerId));
    this.canvas.addEventListener("pointermove", (event) => {
      const before = held.get(event.pointerId);
      if (!before) return this.point(event.offsetX, event.offsetY);
      held.set(event.pointerId, event);
      if (held.size === 2) {
        const [one, two] = [...held.values()];
        const span = Math.hypot(one.offsetX - two.offsetX, one.offsetY - two.offsetY);
        if (pinch) this.zoomAt(span / pinch, (one.offsetX + two.offsetX) / 2, (one.offsetY + two.offsetY) / 2);
        pinch = span;
        return;
      }
      this.view.x -= (event.offsetX - before.offsetX) / this.scale;
      this.view.y += (event.offsetY - before.offsetY) / this.scale;
      this.draw();
    });
    this.canvas.addEventListener("pointerleave", () => this.point(-1e9, -1e9));
    this.canvas.addEventListener("click", () => { if (this.hover >= 0) items.open(this.points.ids[this.hover]); });
  },

  say(words) { $("map-note").textContent = words; $("map-note").hidden = !words; },

  load() {
    if (!this.points) this.say("Loading …");
    this.turn(() => ask("/v1/map", { model: $("map-model").value }), (answer) => {
      if (!answer.ids.length) return this.say("Nothing is learned yet that a map could be made of. Feed some events, then draw again.");
      this.take(answer);
      this.say("");
      this.whole();
      this.legend();
      this.ends();
    }, (error) => {
      if (!this.points) this.say(problem(error));
    });
  },

  take(answer) {
    const size = answer.ids.length;
    const often = answer.tags.map((name, tag) => ({ name, tag, n: 0 }));
    for (const tags of answer["tags-of"]) for (const tag of tags) often[tag].n += 1;
    const shown = [...often].sort((a, b) => b.n - a.n).slice(0, tagColours);
    const colour = new Map(shown.map((entry, place) => [entry.tag, place]));
    const group = new Uint8Array(size);
    answer["tags-of"].forEach((tags, i) => {
      group[i] = tags.reduce((best, tag) => Math.min(best, colour.get(tag) ?? tagColours), tagColours);
    });
    const most = answer.popularity.reduce((a, b) => Math.max(a, b), 1e-9);
    const radius = Float32Array.from(answer.popularity, (p) => 1.2 + 5 * Math.sqrt(Math.max(0, p) / most));
    // Painted a colour at a time, and large points before small ones.
    const order = Uint32Array.from({ length: size }, (_, i) => i).sort((a, b) => group[b] - group[a] || radius[b] - radius[a]);
    this.chosen = null;
    this.near = [];
    this.points = { ...answer, size, group, shown, radius, order, tagSets: answer["tags-of"], where: new Map(answer.ids.map((id, i) => [id, i])) };
    $("map-lead").textContent = `Each point is an item, its size by popularity; near ones are liked by the same people. The axes are the directions in which the rows of “${answer.model}” differ most: they explain ${answer.explained.map((part) => `${Math.round(100 * part)} %`).join(", ")} of the differences.`
      + (answer["items-taken"] > size ? ` The ${count(size)} most taken of ${count(answer["items-taken"])} items.` : "");
    this.canvas.setAttribute("aria-label", `Map of ${count(size)} items; the lists below name those at the ends of each axis`);
    this.canvas.dataset.points = size;
    this.place();
  },

  place() {
    if (!this.points) return;
    this.x = Float32Array.from(this.points.axes[$("map-x").value]);
    this.y = Float32Array.from(this.points.axes[$("map-y").value]);
  },

  /** Pixels of a unit. */
  get scale() { return this.base * this.view.zoom; },

  whole() {
    if (!this.points) return;
    const span = (values) => {
      const ordered = Float32Array.from(values).sort();
      return [ordered[Math.floor(ordered.length * 0.001)], ordered[Math.ceil(ordered.length * 0.999) - 1]];
    };
    const [[left, right], [low, high]] = [span(this.x), span(this.y)];
    this.extent = { w: right - left || 1, h: high - low || 1 };
    this.animate({ x: (left + right) / 2, y: (low + high) / 2, zoom: 1 });
  },

  zoomAt(factor, px = this.canvas.clientWidth / 2, py = this.canvas.clientHeight / 2) {
    if (!this.points) return;
    const [dx, dy] = [px - this.canvas.clientWidth / 2, this.canvas.clientHeight / 2 - py];
    const zoom = Math.max(0.5, Math.min(400, this.view.zoom * factor));
    const gain = 1 / this.scale - 1 / (this.base * zoom);
    this.view = { x: this.view.x + dx * gain, y: this.view.y + dy * gain, zoom };
    this.draw();
  },

  flyTo(id) {
    const i = this.points?.where.get(id);
    if (i === undefined) { $("map-tip").hidden = false; $("map-tip").textContent = "That item is not on the map."; return; }
    this.chosen = i;
    this.near = this.nearest(i, 12);
    this.animate({ x: this.x[i], y: this.y[i], zoom: this.zoomAround(i) });
  },

  far(i, j) { return Math.hypot(this.x[i] - this.x[j], this.y[i] - this.y[j]); },

  /** The points nearest to one on the map as it is shown, nearest first. */
  nearest(i, most) {
    const far = Float64Array.from(this.x, (_, j) => j === i ? Infinity : this.far(i, j));
    const bar = Float64Array.from(far).sort()[Math.min(most, far.length) - 1];
    return [...far.keys()].filter((j) => far[j] <= bar && far[j] < Infinity).sort((a, b) => far[a] - far[b]).slice(0, most);
  },

  /** So near that its neighbours fill the picture, and no nearer. */
  zoomAround(i) {
    const reach = this.near.length ? this.far(i, this.near[this.near.length - 1]) : 0;
    const room = 0.36 * Math.min(this.canvas.clientWidth, this.canvas.clientHeight);
    return reach > 0 && this.base ? Math.max(1, Math.min(200, room / (reach * this.base))) : 1;
  },

  animate(target) {
    const from = { ...this.view };
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches || !this.drawn;
    const start = performance.now();
    const step = (time) => {
      const t = still ? 1 : Math.min(1, (time - start) / 450), s = t * t * (3 - 2 * t);
      this.view = { x: from.x + (target.x - from.x) * s, y: from.y + (target.y - from.y) * s, zoom: from.zoom * (target.zoom / from.zoom) ** s };
      this.draw();
      if (t < 1) requestAnimationFrame(step);
    };
    step(start);
  },

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.paint());
  },

  paint() {
    const { canvas, brush, points } = this;
    const ratio = devicePixelRatio || 1, [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    brush.setTransform(ratio, 0, 0, ratio, 0, 0);
    brush.clearRect(0, 0, width, height);
    if (!points || !width || !this.extent) return;
    this.base = 0.88 * Math.min(width / this.extent.w, height / this.extent.h);
    const style = getComputedStyle(document.documentElement);
    const many = points.size > 15000, grow = Math.min(3, Math.sqrt(this.view.zoom)) * (many ? 0.7 : 1);
    let colour = -1;
    for (const i of points.order) {
      const px = width / 2 + (this.x[i] - this.view.x) * this.scale, py = height / 2 - (this.y[i] - this.view.y) * this.scale;
      if (px < -20 || py < -20 || px > width + 20 || py > height + 20) continue;
      const faded = this.only != null && !points.tagSets[i].includes(this.only);
      const next = faded ? 99 : points.group[i];
      if (next !== colour) {
        colour = next;
        brush.fillStyle = style.getPropertyValue(faded ? "--line" : `--t${points.group[i]}`);
        brush.globalAlpha = faded ? 0.6 : 0.75;
      }
      const r = points.radius[i] * grow;
      if (many && r < 4) brush.fillRect(px - r * 0.8, py - r * 0.8, r * 1.6, r * 1.6);
      else { brush.beginPath(); brush.arc(px, py, r, 0, 7); brush.fill(); }
    }
    brush.globalAlpha = 1;
    for (const i of [this.chosen, this.hover]) if (i != null && i >= 0) this.ring(i, style.getPropertyValue("--text"), grow);
    if (this.chosen != null) this.labels(style.getPropertyValue("--text"), style.getPropertyValue("--soft"));
    this.drawn = true;
  },

  at(i) {
    return [this.canvas.clientWidth / 2 + (this.x[i] - this.view.x) * this.scale, this.canvas.clientHeight / 2 - (this.y[i] - this.view.y) * this.scale];
  },

  ring(i, colour, grow) {
    const [px, py] = this.at(i);
    this.brush.strokeStyle = colour;
    this.brush.lineWidth = 1.5;
    this.brush.beginPath();
    this.brush.arc(px, py, this.points.radius[i] * grow + 3, 0, 7);
    this.brush.stroke();
  },

  /** The chosen item's title, and those of its neighbours that find a place. */
  labels(colour, soft) {
    const taken = [];
    for (const i of [this.chosen, ...this.near]) {
      const isChosen = i === this.chosen, [px, py] = this.at(i);
      if (!isChosen && (px < 0 || py < 0 || px > this.canvas.clientWidth || py > this.canvas.clientHeight)) continue;
      this.brush.font = `${isChosen ? "600 13px" : "12px"} system-ui, sans-serif`;
      const text = this.points.titles[i] || this.points.ids[i], wide = this.brush.measureText(text).width;
      const x = px + 10 + wide < this.canvas.clientWidth ? px + 10 : px - 10 - wide, y = py + (isChosen ? -8 : 4);
      const box = { left: x - 2, right: x + wide + 2, top: y - 12, bottom: y + 3 };
      if (x < 0 || taken.some((other) => box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom)) {
        if (!isChosen) continue;
      }
      taken.push(box);
      this.brush.fillStyle = isChosen ? colour : soft;
      this.brush.fillText(text, Math.max(2, x), y);
    }
  },

  /** The nearest point to the pointer, and its title. */
  point(px, py) {
    if (!this.points || !this.extent) return;
    const x = this.view.x + (px - this.canvas.clientWidth / 2) / this.scale, y = this.view.y + (this.canvas.clientHeight / 2 - py) / this.scale;
    let [best, nearest] = [-1, (14 / this.scale) ** 2];
    for (let i = 0; i < this.points.size; i += 1) {
      const far = (this.x[i] - x) ** 2 + (this.y[i] - y) ** 2;
      if (far < nearest) [best, nearest] = [i, far];
    }
    if (best === this.hover) return;
    this.hover = best;
    const tip = $("map-tip");
    tip.hidden = best < 0;
    if (best >= 0) {
      const tags = this.points.tagSets[best].map((tag) => this.points.tags[tag]);
      tip.textContent = [this.points.titles[best] || this.points.ids[best], ...tags].join(" · ");
      const [tx, ty] = this.at(best);
      tip.style.left = `${Math.max(4, Math.min(tx + 12, this.canvas.clientWidth - tip.offsetWidth - 4))}px`;
      tip.style.top = `${Math.max(4, Math.min(ty + 12, this.canvas.clientHeight - tip.offsetHeight - 4))}px`;
    }
    this.draw();
  },

  legend() {
    const entries = this.points.shown.map((entry, place) => make("button", {
      type: "button", "aria-pressed": String(this.only === entry.tag),
      onclick: () => { this.only = this.only === entry.tag ? null : entry.tag; this.legend(); this.draw(); },
    }, make("i", { class: `t${place}` }), entry.name, make("span", { class: "n" }, count(entry.n))));
    const others = this.points.group.reduce((sum, group) => sum + (group === tagColours ? 1 : 0), 0);
    if (!entries.length) entries.push(make("p", { class: "empty" }, "No item has tags."));
    else if (others) entries.push(make("span", { class: "rest" }, make("i", { class: `t${tagColours}` }), "none of these", make("span", { class: "n" }, count(others))));
    $("map-legend").replaceChildren(...entries);
  },

  /** The items at both ends of each axis, of those that are taken often enough for their place to mean something. */
  ends() {
    const { points } = this;
    const known = [...points.order].sort((a, b) => points.popularity[b] - points.popularity[a]).slice(0, Math.max(20, Math.min(2000, points.size >> 2)));
    const entry = (i, axis) => make("li", {}, make("button", { class: "link", type: "button", onclick: () => this.flyTo(points.ids[i]) }, points.titles[i] || points.ids[i]),
      make("span", { class: "score" }, ` ${number(points.axes[axis][i], 2)}`));
    $("map-ends").replaceChildren(...points.axes.map((values, axis) => {
      const ordered = [...known].sort((a, b) => values[b] - values[a]);
      return make("div", {}, make("h3", {}, `Axis ${axis + 1}`), make("h4", {}, "at one end"),
        make("ul", {}, ...ordered.slice(0, 6).map((i) => entry(i, axis))), make("h4", {}, "at the other"),
        make("ul", {}, ...ordered.slice(-6).reverse().map((i) => entry(i, axis))));
    }));
  },
};

// ---- All together ----------------------------------------------------------------------------------------------------

/** Asked at the start, and again when the daemon is back. */
function begin() {
  request("/healthz").then((response) => response.json()).then((alive) => { $("version").textContent = alive.version; }).catch(() => {});
  ask("/v1/models").then((list) => { knowModels(list); asks.go(); map.load(); curves.refresh(); }).catch(() => {});
}

$("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("freshet-theme", root.dataset.theme);
  map.draw();
});
if (localStorage.getItem("freshet-theme")) document.documentElement.dataset.theme = localStorage.getItem("freshet-theme");

let curvesWidth = 0;
new ResizeObserver(() => {
  const width = $("curves").clientWidth;
  if (width !== curvesWidth && curves.answer) curves.show(curves.answer);
  curvesWidth = width;
}).observe($("curves"));

drawTiles();
asks.begin();
items.begin();
map.begin();
begin();
follow();
