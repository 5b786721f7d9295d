// What every page needs: its data, elements, words for amounts. Text is only ever set as text.

const data = JSON.parse(document.getElementById("data").textContent);

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

const number = (count) => count.toLocaleString("en");
const many = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

function size(bytes) {
  if (bytes === null || bytes === undefined) return "unknown";
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < 3) [bytes, unit] = [bytes / 1024, unit + 1];
  return unit ? `${bytes.toFixed(1)} ${units[unit]}` : `${bytes} B`;
}

function duration(us) {
  if (us >= 60e6) return `${Math.floor(us / 60e6)} min ${Math.floor((us % 60e6) / 1e6)} s`;
  if (us >= 1e6) return `${(us / 1e6).toFixed(2)} s`;
  return us >= 1000 ? `${(us / 1000).toFixed(1)} ms` : `${us} µs`;
}

// iso: a time of UTC.
const moment = (iso) => `${iso.slice(0, 19).replace("T", " ")} UTC`;

// The figures at the head of a page: [amount, words, more to say, class of the amount].
const figures = (items) => h("dl", { class: "facts" }, items.map(([amount, words, more, kind]) =>
  h("div", {}, h("dt", {}, words), h("dd", { class: kind }, amount, more ? h("small", {}, more) : null))));

// What became of a target, a layer or a file.
const chip = (status, words = status) => h("span", { class: `chip ${status}` }, words);

// A bar whose length is a share of the longest.
function bar(share) {
  const inner = h("span", { class: "bar" });
  inner.style.width = `${Math.max(1, share * 100)}%`;
  return h("span", { class: "track", "aria-hidden": "true" }, inner);
}
