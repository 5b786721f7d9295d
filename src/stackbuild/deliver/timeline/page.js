"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const STATUSES = ["built", "reused", "failed", "unfinished"];

// Whatever a build named goes in as text, never as markup.
function make(tag, text, kind) {
  const found = document.createElement(tag);
  if (text !== undefined) found.textContent = text;
  if (kind) found.className = kind;
  return found;
}
function duration(us) {
  if (us >= 60e6) return `${Math.floor(us / 60e6)} min ${Math.round((us % 60e6) / 1e6)} s`;
  if (us >= 1e6) return `${(us / 1e6).toFixed(2)} s`;
  return us >= 1000 ? `${(us / 1000).toFixed(1)} ms` : `${us} µs`;
}
function bytes(size) {
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (size < 1024 || unit === "GiB") return unit === "B" ? `${size} B` : `${size.toFixed(1)} ${unit}`;
    size /= 1024;
  }
}
function plural(number, word) { return `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`; }
function table(where, heads, rows) {
  where.replaceChildren();
  const head = where.createTHead().insertRow();
  for (const [title, kind] of heads) { const cell = make("th", title, kind); cell.scope = "col"; head.append(cell); }
  const body = where.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    row.forEach((value, column) => {
      const cell = make("td", undefined, heads[column][1]);
      cell.append(value instanceof Node ? value : String(value));
      line.append(cell);
    });
  }
}

function showSummary() {
  document.title = `${data.command} – build report`;
  at("command").textContent = data.command;
  at("about").textContent = `${data.started.replace("T", " ").replace("+00:00", " UTC")} · stackbuild ${data.stackbuild}`;
  const layers = new Map();
  for (const image of data.images) for (const layer of image.layers) layers.set(layer.digest, layer);
  const sums = { base: 0, reused: 0, built: 0 };
  for (const layer of layers.values()) sums[layer.status] += layer.size;
  const count = (status) => data.targets.filter((target) => target.status === status).length;
  const path = data.critical.reduce((sum, index) => sum + data.targets[index].time, 0);
  const tiles = [
    ["status", data.status, "", data.status === "done" ? "reused" : "failed"],
    ["time", duration(data.total), path ? `critical path ${duration(path)}` : ""],
    ["targets built", count("built"), layers.size ? bytes(sums.built) : "", "built"],
    ["targets reused", count("reused"), layers.size ? bytes(sums.reused) : "", "reused"],
  ];
  if (layers.size) {
    tiles.push(["of bases", bytes(sums.base), "", "base"]);
    tiles.push(["all layers", bytes(sums.base + sums.reused + sums.built), plural(layers.size, "layer")]);
  }
  const failed = count("failed") + count("unfinished");
  if (failed) tiles.push(["failed or unfinished", failed, "", "failed"]);
  for (const [name, value, more, kind] of tiles) {
    const tile = make("div"), said = make("dd", value, kind);
    if (more) said.append(make("small", more));
    tile.append(make("dt", name), said);
    at("tiles").append(tile);
  }
}

function showMessages() {
  const said = data.errors.map((text) => [text, "failed"]);
  for (const target of data.targets) for (const text of target.warnings) said.push([`${target.name}: ${text}`, ""]);
  for (const text of data.notes) said.push([text, ""]);
  at("said").hidden = !said.length;
  for (const [text, kind] of said.slice(0, 200)) at("messages").append(make("li", text, kind));
  if (said.length > 200) at("messages").append(make("li", `and ${said.length - 200} more`));
}

function showCritical() {
  const total = data.critical.reduce((sum, index) => sum + data.targets[index].time, 0) || 1;
  const longest = Math.max(1, ...data.critical.map((index) => data.targets[index].time));
  table(at("critical"), [["target", "name"], ["time", "number"], ["share", "number"], ["", ""]], data.critical.map((index) => {
    const target = data.targets[index], bar = make("span", undefined, "span");
    bar.style.width = `${Math.max(1, (120 * target.time) / longest)}px`;
    return [link(target), duration(target.time), `${Math.round((100 * target.time) / total)} %`, bar];
  }));
}

function showImage(image, open) {
  const total = image.layers.reduce((sum, layer) => sum + layer.size, 0);
  const bar = make("div", undefined, "share");
  for (const layer of image.layers) {
    const part = make("i", undefined, layer.status);
    part.style.flex = `${layer.size} 1 0`;
    part.title = `${layer.target}: ${bytes(layer.size)}, ${layer.status}`;
    bar.append(part);
  }
  const more = make("details"), rows = make("table"), wide = make("div", undefined, "wide");
  more.open = open;
  more.append(make("summary", `${plural(image.layers.length, "layer")}, ${bytes(total)}`), wide);
  wide.append(rows);
  const several = image.layers.some((layer) => layer.platform);
  const heads = [["target", "name"], ["size", "number"], ["", ""], ["digest", "name"]];
  if (several) heads.push(["platform", ""]);
  table(rows, heads, image.layers.map((layer) => [
    layer.target, bytes(layer.size), make("span", layer.status, layer.status), layer.digest.slice(0, 19),
    ...(several ? [layer.platform || ""] : []),
  ]));
  const place = image.output ? `${image.digest} in ${image.output}` : image.digest;
  at("images").append(make("h3", image.address), make("p", place, "hint"), bar, more);
}
let imagesShown = 0;
function showImages() {
  if (!data.images.length) at("images").append(make("p", "None was finished.", "hint"));
  const next = data.images.slice(imagesShown, imagesShown + 20);
  for (const image of next) showImage(image, data.images.length < 4);
  imagesShown += next.length;
  at("more-images").hidden = imagesShown >= data.images.length;
}

// A target's name leads to its place in the timeline.
function link(target) {
  const found = make("button", target.name);
  found.type = "button";
  found.addEventListener("click", () => { timeline.show(target); at("times").scrollIntoView(); });
  return found;
}

const FEW = 25;
let most = FEW;
function showTargets() {
  const text = at("find").value.toLowerCase(), status = at("status").value, by = at("sort").value;
  const found = data.targets.filter((target) => (!status || target.status === status) &&
    (!text || `${target.name} ${target.type} ${target.causes.join(" ")}`.toLowerCase().includes(text)));
  const order = { time: (a, b) => b.time - a.time, size: (a, b) => b.size - a.size, start: (a, b) => a.start - b.start,
    name: (a, b) => (a.name < b.name ? -1 : 1) };
  found.sort(order[by]);
  const heads = [["target", "name"], ["type", ""], ["", ""], ["time", "number"], ["start", "number"], ["layers", "number"], ["why", "why"]];
  table(at("targets"), heads, found.slice(0, most).map((target) => [
    link(target), target.type, make("span", target.status, target.status), duration(target.time), duration(target.start),
    target.layers ? bytes(target.size) : "", why(target),
  ]));
  at("found").textContent = `${Math.min(most, found.length)} of ${plural(found.length, "target")}`;
  at("more").hidden = found.length <= most;
}
function why(target) {
  const said = [...target.errors, ...target.causes];
  if (said.length < 3) return said.join("; ");
  const found = make("details");
  found.append(make("summary", `${said[0]}, and ${said.length - 1} more`), make("div", said.slice(1, 200).join("; ")));
  return found;
}

class Timeline {
  constructor(canvas) {
    this.canvas = canvas;
    this.words = data.timeline.words;
    this.rows = data.timeline.rows;
    this.rows.sort((a, b) => a[1] - b[1]);
    const depths = data.timeline.threads.map(() => 0);
    for (const row of this.rows) depths[row[0]] = Math.max(depths[row[0]], row[1] + 1);
    this.tops = [];
    let top = 22;
    for (const depth of depths) { this.tops.push(top); top += 18 + depth * 16 + 6; }
    this.height = top;
    this.chosen = null;
    this.all();
    this.listen();
  }
  all() { this.from = 0; this.length = Math.max(1, data.total); this.draw(); }
  zoom(factor, middle = 0.5) {
    const length = Math.min(Math.max(1, data.total), Math.max(20, this.length * factor));
    this.from += (this.length - length) * middle;
    this.length = length;
    this.move(0);
  }
  move(share) {
    this.from = Math.max(0, Math.min(data.total - this.length, this.from + share * this.length));
    this.draw();
  }
  show(target) {
    this.length = Math.min(Math.max(1, data.total), Math.max(200, target.time * 1.5));
    this.from = target.start + target.time / 2 - this.length / 2;
    this.chosen = this.rows.find((row) => this.words[row[2]] === "target" && this.words[row[5]] === target.name) || null;
    this.move(0);
    this.tell(this.chosen);
    if (this.chosen) at("scroller").scrollTop = this.tops[this.chosen[0]] - 60;
  }
  hit(x, y) {
    const scale = this.length / this.canvas.clientWidth;
    const time = this.from + x * scale;
    const near = 3 * scale;
    let best = null;
    for (const row of this.rows) {
      const top = this.tops[row[0]] + 18 + row[1] * 16;
      if (y >= top && y < top + 16 && time >= row[3] - near && time <= row[3] + row[4] + near) {
        if (!best || (row[3] <= time && time <= row[3] + row[4])) best = row;
      }
    }
    return best;
  }
  tell(row) {
    if (!row) { at("detail").textContent = ""; return; }
    const facts = this.words[row[5]];
    at("detail").textContent = `${this.words[row[2]]} · ${duration(row[4])} · from ${duration(row[3])} · ${data.timeline.threads[row[0]]}${facts ? ` · ${facts}` : ""}`;
  }
  listen() {
    const canvas = this.canvas;
    let grabbed = null;
    canvas.addEventListener("pointerdown", (event) => { grabbed = { x: event.clientX, from: this.from, moved: false }; canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointermove", (event) => {
      if (!grabbed) { this.tell(this.hit(event.offsetX, event.offsetY) || this.chosen); return; }
      const gone = event.clientX - grabbed.x;
      if (Math.abs(gone) > 3) grabbed.moved = true;
      this.from = grabbed.from - (gone / canvas.clientWidth) * this.length;
      this.move(0);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (grabbed && !grabbed.moved) { this.chosen = this.hit(event.offsetX, event.offsetY); this.tell(this.chosen); this.draw(); }
      grabbed = null;
    });
    canvas.addEventListener("pointercancel", () => { grabbed = null; });
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.25 : 0.8, event.offsetX / canvas.clientWidth);
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const keys = { ArrowLeft: () => this.move(-0.1), ArrowRight: () => this.move(0.1), "+": () => this.zoom(0.5), "=": () => this.zoom(0.5),
        "-": () => this.zoom(2), Home: () => this.all() };
      if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
    });
    at("nearer").addEventListener("click", () => this.zoom(0.5));
    at("farther").addEventListener("click", () => this.zoom(2));
    at("whole").addEventListener("click", () => this.all());
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }
  draw() {
    const width = this.canvas.parentElement.clientWidth, ratio = window.devicePixelRatio || 1;
    this.canvas.width = width * ratio;
    this.canvas.height = this.height * ratio;
    this.canvas.style.height = `${this.height}px`;
    const pen = this.canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    pen.scale(ratio, ratio);
    pen.font = "11px ui-monospace, monospace";
    pen.textBaseline = "middle";
    this.ruler(pen, width, colour);
    const scale = width / this.length, text = colour("--text"), light = colour("--light"), rich = colour("--rich");
    // What ends left of what was drawn last in its row is too small to be seen beside it.
    const drawn = new Map();
    for (const row of this.rows) {
      const left = (row[3] - this.from) * scale, right = left + row[4] * scale;
      if (right < 0 || left > width) continue;
      const top = this.tops[row[0]] + 18 + row[1] * 16, place = row[0] * 1000 + row[1];
      const pixel = Math.floor(left);
      if (right - left < 1 && drawn.get(place) === pixel) continue;
      drawn.set(place, pixel);
      const x = Math.max(0, left), wide = Math.max(0.7, Math.min(width, right) - x);
      pen.fillStyle = `hsl(${(row[2] * 67 + 28) % 360} ${rich} ${light})`;
      pen.fillRect(x, top, wide > 3 ? wide - 0.5 : wide, 15);
      if (row === this.chosen) { pen.strokeStyle = text; pen.lineWidth = 2; pen.strokeRect(x + 1, top + 1, Math.max(2, wide - 2), 13); }
      if (wide > 34) {
        const facts = this.words[row[5]], room = Math.floor((wide - 6) / 6.7);
        const label = facts && (this.words[row[2]] === "target" || this.words[row[2]] === "load") ? facts : this.words[row[2]];
        pen.fillStyle = text;
        pen.fillText(label.length > room ? `${label.slice(0, Math.max(1, room - 1))}…` : label, x + 3, top + 8);
      }
    }
    pen.fillStyle = colour("--dim");
    data.timeline.threads.forEach((name, lane) => pen.fillText(name, 4, this.tops[lane] + 9));
    at("window").textContent = `${duration(Math.round(this.from))} to ${duration(Math.round(this.from + this.length))}${this.left()}`;
  }
  left() {
    const out = data.timeline.left_out + data.timeline.lost;
    return out ? `; ${plural(out, "short or late span")} left out` : "";
  }
  ruler(pen, width, colour) {
    const rough = this.length / Math.max(2, width / 110), power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((by) => by * power).find((by) => by >= rough);
    pen.strokeStyle = colour("--line");
    pen.fillStyle = colour("--dim");
    pen.lineWidth = 1;
    for (let time = Math.ceil(this.from / step) * step; time <= this.from + this.length; time += step) {
      const x = ((time - this.from) / this.length) * width;
      pen.beginPath(); pen.moveTo(x, 0); pen.lineTo(x, this.height); pen.stroke();
      pen.fillText(duration(Math.round(time)), x + 3, 9);
    }
  }
}

const timeline = new Timeline(at("timeline"));
showSummary();
showMessages();
showCritical();
showImages();
for (const status of STATUSES) if (data.targets.some((target) => target.status === status)) {
  const option = make("option", status);
  option.value = status;
  at("status").append(option);
}
for (const id of ["find", "status", "sort"]) at(id).addEventListener("input", () => { most = FEW; showTargets(); });
at("more").addEventListener("click", () => { most += 200; showTargets(); });
at("more-images").addEventListener("click", showImages);
showTargets();
table(at("work"), [["work", "name"], ["times", "number"], ["own time", "number"], ["with what is in it", "number"]],
  data.work.map(([name, times, total, own]) => [name, times.toLocaleString("en"), duration(own), duration(total)]));
