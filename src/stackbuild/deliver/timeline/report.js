// The report of a build: what it did, why, and where its time went.

const at = (id) => document.getElementById(id);
const STATUSES = ["built", "reused", "failed", "unfinished"];
const FEW = 25;

const SPEAKING = ["path", "status", "why"]; // columns that need no heading beside them on a phone

// heads: [title, class]; rows: of cells, texts or elements.
function table(where, heads, rows) {
  const cell = (value, [title, kind]) => h("td", { class: kind, "data-label": value !== "" && !SPEAKING.includes(kind) ? title || null : null }, ...(value === "" ? [] : [value]));
  where.replaceChildren(
    h("thead", {}, h("tr", {}, heads.map(([title, kind]) => h("th", { scope: "col", class: kind === "amount" ? kind : null }, title)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((value, column) => cell(value, heads[column]))))));
}

function showSummary() {
  at("command").textContent = data.command;
  at("about").textContent = `${moment(data.started)} · stackbuild ${data.stackbuild}`;
  const layers = new Map();
  for (const image of data.images) for (const layer of image.layers) layers.set(layer.digest, layer);
  const sums = { base: 0, reused: 0, built: 0 };
  for (const layer of layers.values()) sums[layer.status] += layer.size;
  const count = (status) => data.targets.filter((target) => target.status === status).length;
  const path = data.critical.reduce((sum, index) => sum + data.targets[index].time, 0);
  const failed = count("failed") + count("unfinished");
  const held = (status) => (sums[status] ? `${size(sums[status])} of layers` : "");
  const items = [
    [data.status, "the build", "", data.status === "done" ? "reused" : "failed"],
    [duration(data.total), "time in all", path ? `critical path ${duration(path)}` : ""],
    [number(count("built")), "targets built", held("built"), "built"],
    [number(count("reused")), "targets reused", held("reused"), "reused"],
  ];
  if (failed) items.push([number(failed), "targets failed or unfinished", "", "failed"]);
  if (sums.base) items.push([size(sums.base), "of layers from bases", "", "base"]);
  if (layers.size) items.push([size(sums.base + sums.reused + sums.built), "of layers in images, each once", many(layers.size, "layer")]);
  at("summary").append(figures(items));
}

function showMessages() {
  const said = data.errors.map((text) => ["error", "failed", text]);
  for (const target of data.targets) for (const text of target.warnings) said.push(["warning", "changed", `${target.name}: ${text}`]);
  for (const text of data.notes) said.push(["note", "", text]);
  at("said").hidden = !said.length;
  at("messages").append(...said.slice(0, 200).map(([words, kind, text]) => h("li", {}, chip(kind, words), ` ${text}`)));
  if (said.length > 200) at("messages").append(h("li", { class: "soft" }, `and ${number(said.length - 200)} more`));
}

function showCritical() {
  const times = data.critical.map((index) => data.targets[index].time);
  const total = times.reduce((sum, time) => sum + time, 0) || 1;
  const longest = Math.max(1, ...times);
  table(at("critical"), [["target", "path"], ["time", "amount"], ["share", "amount"], ["", ""]], data.critical.map((index) => {
    const target = data.targets[index];
    return [link(target), duration(target.time), `${Math.round((100 * target.time) / total)} %`, bar(target.time / longest)];
  }));
}

function showImage(image, open) {
  const share = h("div", { class: "share", "aria-hidden": "true" }, image.layers.map((layer) => {
    const part = h("i", { class: layer.status, title: `${layer.target}: ${size(layer.size)}, ${layer.status}` });
    part.style.flex = `${layer.size} 1 0`;
    return part;
  }));
  const rows = h("table", { class: "stacks" });
  const several = image.layers.some((layer) => layer.platform);
  const heads = [["", "status"], ["layer of", "path"], ["size, compressed", "amount"], ["digest", ""], ...(several ? [["platform", ""]] : [])];
  table(rows, heads, image.layers.map((layer) => [
    chip(layer.status), layer.target, size(layer.size), h("code", { class: "soft digest", title: layer.digest }, layer.digest.slice(7, 19)),
    ...(several ? [layer.platform || ""] : []),
  ]));
  const total = image.layers.reduce((sum, layer) => sum + layer.size, 0);
  const parts = ["built", "reused", "base"].map((status) => [status, image.layers.filter((layer) => layer.status === status)])
    .filter(([, layers]) => layers.length)
    .map(([status, layers]) => [size(layers.reduce((sum, layer) => sum + layer.size, 0)), status === "base" ? "of the base" : status]);
  at("images").append(h("div", {}, h("h3", {}, image.address), h("p", { class: "soft small" }, h("code", {}, image.digest), image.output ? ` in ${image.output}` : ""), share,
    h("details", { open }, h("summary", {}, `${many(image.layers.length, "layer")}, ${size(total)}${parts.length === 1 ? `, all ${parts[0][1]}` : `: ${parts.map((words) => words.join(" ")).join(", ")}`}`), h("div", { class: "scroll" }, rows))));
}
let imagesShown = 0;
function showImages() {
  const next = data.images.slice(imagesShown, imagesShown + 20);
  for (const image of next) showImage(image, data.images.length < 4);
  imagesShown += next.length;
  at("more-images").hidden = imagesShown >= data.images.length;
}

// A target's name leads to its place in the timeline.
function link(target) {
  return h("button", { type: "button", title: "Show in the timeline", onclick: () => { timeline.show(target); at("times").scrollIntoView(); } }, target.name);
}

let most = FEW;
function showTargets() {
  const [words, status, by] = [at("find").value.toLowerCase(), at("status").value, at("sort").value];
  const found = data.targets.filter((target) => (!status || target.status === status) &&
    (!words || `${target.name} ${target.type} ${target.causes.join(" ")}`.toLowerCase().includes(words)));
  const order = { time: (a, b) => b.time - a.time, size: (a, b) => b.size - a.size, start: (a, b) => a.start - b.start,
    name: (a, b) => (a.name < b.name ? -1 : 1) };
  found.sort(order[by]);
  const heads = [["", "status"], ["target", "path"], ["type", "short"], ["time", "amount"], ["started at", "amount"], ["size of layers", "amount"], ["why", "why"]];
  table(at("targets"), heads, found.slice(0, most).map((target) => [
    chip(target.status), link(target), target.type, duration(target.time), duration(target.start),
    target.layers ? size(target.size) : "", why(target),
  ]));
  at("found").textContent = `${number(Math.min(most, found.length))} of ${many(found.length, "target")}`;
  at("more").hidden = found.length <= most;
}
function why(target) {
  const said = [...target.errors, ...target.causes];
  if (said.length < 3) return said.join("; ");
  return h("details", {}, h("summary", {}, `${said[0]}, and ${number(said.length - 1)} more`), h("div", {}, said.slice(1, 200).join("; ")));
}

function showWork(count) {
  const heads = [["work", "path"], ["times", "amount"], ["own time", "amount"], ["with what is in it", "amount"]];
  table(at("work"), heads, data.work.slice(0, count).map(([name, times, total, own]) => [name, number(times), duration(own), duration(total)]));
  at("more-work").hidden = data.work.length <= count;
}

const timeline = new Timeline(at("timeline"));
for (const section of document.querySelectorAll("[data-of]")) section.hidden = !data[section.dataset.of].length;
showSummary();
showMessages();
showCritical();
showImages();
for (const status of STATUSES) if (data.targets.some((target) => target.status === status)) at("status").append(h("option", { value: status }, status));
for (const id of ["find", "status", "sort"]) at(id).addEventListener("input", () => { most = FEW; showTargets(); });
at("more").addEventListener("click", () => { most += 200; showTargets(); });
at("more-images").addEventListener("click", showImages);
at("more-work").addEventListener("click", () => showWork(Infinity));
showTargets();
showWork(12);
