// Elements, words for amounts, links. Text is only ever set as text.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

function size(bytes) {
  if (bytes === null || bytes === undefined) return "unknown";
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < 3) [bytes, unit] = [bytes / 1024, unit + 1];
  return unit ? `${bytes.toFixed(1)} ${units[unit]}` : `${bytes} B`;
}

const number = (count) => count.toLocaleString("en");
const many = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
const short = (digest) => digest.slice(0, digest.indexOf(":") + 13);
const hash = (state) => `#${new URLSearchParams(state)}`;
const kind = (target) => `t${types.indexOf(target.type) % 8}`;

function link(target, words = target.address) {
  return h("a", { class: "target", href: hash({ target: target.address }) }, h("i", { class: `chip ${kind(target)}` }), words);
}

const linkTo = (address) => (byAddress.has(address) ? link(byAddress.get(address)) : h("span", {}, address));

function status(target) {
  if (target.status) return h("span", { class: `status ${target.status}` }, target.status);
  return h("span", { class: "status none" }, target.known ? "not needed" : "never built");
}

// A bar whose length is a share of the longest.
function bar(share, label) {
  const inner = h("span", { class: "bar" });
  inner.style.width = `${Math.max(1, share * 100)}%`;
  return h("span", { class: "track", "aria-hidden": "true" }, inner, label ?? "");
}

function causes(target, most = 3) {
  const found = target.last ? target.last.causes : [];
  const rest = found.length - most;
  return [...found.slice(0, most), ...(rest > 0 ? [`and ${many(rest, "other cause")}`] : [])].map((text) => h("li", {}, text));
}
