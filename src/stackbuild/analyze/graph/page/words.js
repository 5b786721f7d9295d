// Links, and words for what is known of a target.

const short = (digest) => digest.slice(0, digest.indexOf(":") + 13);
const hash = (state) => `#${new URLSearchParams(state)}`;
const kind = (target) => `t${types.indexOf(target.type) % 8}`;

function link(target, words = target.address) {
  return h("a", { class: "target", href: hash({ target: target.address }) }, h("i", { class: `swatch ${kind(target)}` }), words);
}

// The same in one line, cut in the folder where there is no room for both.
function shortLink(target) {
  const found = link(target, "");
  const [folder, name] = [target.address.slice(0, -target.name.length - 1), `:${target.name}`];
  found.title = target.address;
  found.setAttribute("aria-label", target.address);
  found.append(h("span", { class: "where" }, folder), h("span", { class: "name" }, name));
  return found;
}

const linkTo = (address) => (byAddress.has(address) ? link(byAddress.get(address)) : h("span", {}, address));

const status = (target) => target.status ? chip(target.status) : h("span", { class: "soft small" }, target.known ? "not needed" : "never built");

function causes(target, most = 3) {
  const found = target.last ? target.last.causes : [];
  const rest = found.length - most;
  return [...found.slice(0, most), ...(rest > 0 ? [`and ${many(rest, "other cause")}`] : [])].map((text) => h("li", {}, text));
}
