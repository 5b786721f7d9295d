// The overview: what is large, what is shared, what the last build did.

const TOP = 8;

function overview() {
  const cards = graph.build || layers.length ? [lastBuild(), largestImages(), largestLayers(), mostShared()] : [nothingYet()];
  return h("div", { class: "page overview" }, facts(), h("div", { class: "cards" }, cards));
}

function facts() {
  const all = new Map(); // digest of a manifest -> size
  for (const image of images) for (const result of image.results) all.set(result.digest, result.size);
  const listed = [...all.values()].reduce((sum, bytes) => sum + bytes, 0);
  const saved = layers.reduce((sum, layer) => sum + layer.saved, 0);
  const unknown = targets.filter((target) => !target.known).length;
  const used = [...folders.values()].filter((folder) => folder.targets.length).length;
  const items = [
    [number(targets.length), `targets in ${many(used, "folder")}`],
    [number(images.length), images.length === 1 ? "image" : "images"],
  ];
  if (layers.length) {
    items.push([number(layers.length), "layers known"], [size(listed - saved), "of layers in images, each once"],
      [size(saved), `saved by sharing${listed ? ` (${Math.round((100 * saved) / listed)} %)` : ""}`]);
  }
  if (unknown) items.push([number(unknown), "never built here: sizes unknown"]);
  return figures(items);
}

function nothingYet() {
  return h("section", { class: "card" }, h("h2", {}, "Nothing was built here yet"),
    h("p", {}, "The map and the table of targets are there already. Build something, as with ", h("code", {}, "stackbuild image //..."), ", and write this page again: it then tells of sizes, of shared layers and of the last build."));
}

function panel(title, words, rows, more) {
  return h("section", { class: "card" }, h("h2", {}, title), words ? h("p", { class: "soft" }, words) : null,
    ...(rows.length ? [h("ol", { class: "rows" }, rows.map((row) => h("li", {}, row))), more] : [h("p", { class: "soft" }, "There is none yet.")]));
}

function lastBuild() {
  const { build } = graph;
  if (!build) return panel("Last build", null, []);
  const count = (status) => targets.filter((target) => target.status === status).length;
  const parts = ["built", "reused", "failed"].filter((status) => count(status)).map((status) => `${number(count(status))} ${status}`);
  const ended = build.finished ? "" : "; it was interrupted";
  const words = `${moment(build.started)}, took ${duration(build.seconds * 1e6)}${ended}. Of these targets: ${parts.join(", ") || "none was needed"}.`;
  // What was built because of something of its own comes first; the rest followed.
  const started = built.filter((target) => !target.needs.some((need) => need.status === "built"));
  const groups = new Map(); // causes -> the targets that have just these
  for (const target of [...failed, ...started]) {
    const key = JSON.stringify([target.status, target.last.causes]);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(target);
  }
  const rows = [...groups.values()].map((group) => [
    h("span", { class: "row" }, group.length === 1 ? link(group[0]) : h("span", {}, link(group[0]), ` and ${many(group.length - 1, "other")}`), status(group[0])),
    h("ul", { class: "causes" }, causes(group[0])),
  ]);
  const followed = built.length - started.length;
  const notes = [
    rows.length > TOP ? `${number(rows.length - TOP)} more causes` : "",
    followed ? `${number(followed)} followed, because what they need was built` : "",
  ].filter(Boolean);
  const table = h("a", { href: hash({ view: "targets", sort: "last" }) }, "all in the table");
  if (!rows.length) return h("section", { class: "card" }, h("h2", {}, "Last build"), h("p", { class: "soft" }, words), h("p", {}, "Nothing had to be built."));
  return panel("Last build", words, rows.slice(0, TOP), notes.length ? h("p", { class: "soft" }, `${notes.join("; ")}: `, table) : null);
}

function ranking(items, amount) {
  const top = items.filter(amount).sort((one, other) => amount(other) - amount(one)).slice(0, TOP);
  return top.map((item) => [item, amount(item) / amount(top[0])]);
}

function largestImages() {
  const rows = ranking(images, (image) => image.size).map(([image, share]) => [
    h("span", { class: "row" }, link(image), h("span", { class: "amount" }, size(image.size))), bar(share),
  ]);
  return panel("Largest images", "Compressed, of their largest platform.", rows, h("p", {}, h("a", { href: hash({ view: "targets", sort: "size" }) }, "All targets by size")));
}

const layerRow = (layer, amount, share) => [
  h("span", { class: "row" }, layer.made_by.length ? linkTo(layer.made_by[0]) : short(layer.digest), h("span", { class: "amount" }, amount)), bar(share),
];

function largestLayers() {
  const rows = ranking([...layers], (layer) => layer.size).map(([layer, share]) => layerRow(layer, `${size(layer.size)} · ${many(layer.images, "image")}`, share));
  return panel("Largest layers", "Compressed, and how many images hold each.", rows, h("p", {}, h("a", { href: hash({ view: "layers", sort: "size" }) }, "All layers")));
}

function mostShared() {
  const rows = ranking([...layers], (layer) => layer.saved).map(([layer, share]) => layerRow(layer, `${many(layer.images, "image")} · ${size(layer.saved)} saved`, share));
  return panel("Most shared layers", "Bytes that need not be kept or moved again.", rows, h("p", {}, h("a", { href: hash({ view: "layers", sort: "saved" }) }, "All layers by what they save")));
}
