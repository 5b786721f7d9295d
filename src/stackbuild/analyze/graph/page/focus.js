// One target: what needs it, what it needs, what it holds, and the ways to another.

const LISTED = 30;

function focus(target, other) {
  const ways = other ? between(target, other) : null;
  const detail = h("aside", { class: "detail" }, about(target), other ? path(target, other, ways) : null, last(target), results(target),
    list("Needs", target.needs, reach(target, "needs").size), list("Needed by", target.users, reach(target, "users").size), other ? null : pathTo(target));
  const tools = h("div", { class: "tools" });
  const place = h("div", { class: "place" });
  function draw(depth) {
    const members = ways?.size ? ways : new Set([...reach(target, "users", depth), target, ...reach(target, "needs", depth)]);
    place.replaceChildren(drawing(new Folding([...members], other ? [target, other] : [target]), target));
    for (const button of tools.querySelectorAll("button")) button.setAttribute("aria-pressed", String(Number(button.value) === depth));
  }
  const depths = [["1", "direct"], ["2", "2 steps"], ["Infinity", "all"]];
  if (!ways?.size) {
    tools.append(h("span", { class: "soft" }, "← what needs it · what it needs →"), h("span", { class: "switch", role: "group", "aria-label": "How far" },
      depths.map(([value, words]) => h("button", { type: "button", value, onclick: () => draw(Number(value)) }, words))));
  }
  const near = (depth) => reach(target, "users", depth).size + reach(target, "needs", depth).size;
  queueMicrotask(() => draw([Infinity, 2].find((depth) => near(depth) <= ROOM) ?? 1));
  return h("div", { class: "page focus" }, h("div", { class: "seen" }, tools, place), detail);
}

function about(target) {
  return h("div", {}, h("h2", {}, h("i", { class: `swatch ${kind(target)}` }), target.address),
    h("p", { class: "soft" }, target.type, " · ", size(target.size), " · ", status(target)), target.description ? h("p", {}, target.description) : null);
}

function last(target) {
  if (!target.last || target.last.status === "reused") return null;
  const found = causes(target, 8);
  return h("section", {}, h("h3", {}, "Last build"), h("p", {}, `${target.last.status} in ${duration(target.last.seconds * 1e6)}`), found.length ? h("ul", { class: "causes" }, found) : null);
}

function results(target) {
  return target.results.slice(0, 8).map((result) => {
    const largest = Math.max(1, ...result.layers.map((digest) => byDigest.get(digest).size));
    return h("section", {}, h("h3", {}, ["Layers", result.variant].filter(Boolean).join(", "), h("span", { class: "amount" }, size(result.size))),
      result.digest ? h("code", { class: "soft" }, result.digest) : null,
      h("ol", { class: "rows" }, [...result.layers].reverse().slice(0, 60).map((digest) => {
        const layer = byDigest.get(digest);
        const shared = layer.images > 1 ? ` · in ${many(layer.images, "image")}` : "";
        return h("li", {}, h("span", { class: "row" }, layer.made_by.length ? linkTo(layer.made_by[0]) : short(digest), h("span", { class: "amount" }, size(layer.size) + shared)), bar(layer.size / largest));
      })));
  });
}

function list(title, found, all) {
  if (!found.length) return null;
  const shown = found.slice(0, LISTED).map((target) => h("li", {}, link(target)));
  const rest = found.length - shown.length;
  return h("section", {}, h("h3", {}, title, h("span", { class: "amount" }, `${number(found.length)} directly, ${number(all)} in all`)),
    h("ul", { class: "plain" }, shown, rest > 0 ? h("li", { class: "soft" }, `and ${number(rest)} more`) : null));
}

function path(target, other, ways) {
  const words = ways.size ? `${many(ways.size, "target")} on the ways to ` : "There is no way to ";
  return h("section", {}, h("h3", {}, "Paths"), h("p", {}, words, link(other), "."), h("p", {}, h("a", { href: hash({ target: target.address }) }, "Show its surroundings instead")));
}

function pathTo(target) {
  const found = h("ul", { class: "plain" });
  const input = h("input", {
    type: "search", placeholder: "Another target", "aria-label": "Show the paths to another target", spellcheck: "false",
    oninput: () => found.replaceChildren(...search(input.value, 8).filter((other) => other !== target).map((other) =>
      h("li", {}, h("a", { href: hash({ target: target.address, to: other.address }) }, other.address)))),
  });
  return h("section", {}, h("h3", {}, "Paths to…"), input, found);
}
