// The page's address says what is seen; the search box finds a target from anywhere.

const main = document.querySelector("main");
const VIEWS = {
  overview: () => overview(),
  map: () => h("div", { class: "page mapped" }, legend(), drawing(new Folding(targets))),
  targets: (state) => targetsTable(state.get("sort")),
  layers: (state) => layersTable(state.get("sort")),
};

function legend() {
  return h("div", { class: "tools legend" }, types.map((type, at) => h("span", {}, h("i", { class: `swatch t${at % 8}` }), type)),
    built.length ? h("span", {}, h("i", { class: "dot" }), "built last") : null, h("span", { class: "soft" }, "A target stands left of what it needs. Click a folder to unfold it, a target to see it."));
}

function show() {
  const state = new URLSearchParams(location.hash.slice(1));
  const target = byAddress.get(state.get("target"));
  const view = Object.hasOwn(VIEWS, state.get("view")) ? state.get("view") : "overview";
  main.replaceChildren(target ? focus(target, byAddress.get(state.get("to"))) : VIEWS[view](state));
  document.title = `${target ? target.address : graph.workspace} – target graph`;
  for (const item of document.querySelectorAll("nav a")) {
    const here = !target && item.hash === `#view=${view}`;
    if (here) item.setAttribute("aria-current", "page");
    else item.removeAttribute("aria-current");
  }
}

function finder(box) {
  const input = box.querySelector("input");
  const found = box.querySelector("ul");
  let [hits, at] = [[], 0];
  const choose = (target) => {
    input.value = "";
    input.blur();
    location.hash = hash({ target: target.address });
  };
  const mark = () => {
    [...found.children].forEach((item, index) => item.setAttribute("aria-selected", String(index === at)));
    if (hits.length) input.setAttribute("aria-activedescendant", `hit${at}`);
    else input.removeAttribute("aria-activedescendant");
  };
  const list = () => {
    [hits, at] = [search(input.value, 12), 0];
    const nothing = !hits.length && input.value.trim() !== "";
    found.replaceChildren(...hits.map((target, index) =>
      h("li", { id: `hit${index}`, role: "option", onpointerdown: (event) => { event.preventDefault(); choose(target); } },
        h("i", { class: `swatch ${kind(target)}` }), h("span", {}, target.address), h("span", { class: "soft" }, target.type))),
      ...(nothing ? [h("li", { class: "soft", role: "option", "aria-disabled": "true" }, "No target holds these words.")] : []));
    found.hidden = !found.children.length;
    input.setAttribute("aria-expanded", String(!found.hidden));
    mark();
  };
  input.addEventListener("input", list);
  input.addEventListener("blur", () => { found.hidden = true; input.setAttribute("aria-expanded", "false"); });
  input.addEventListener("focus", list);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && hits.length) {
      event.preventDefault();
      at = (at + step + hits.length) % hits.length;
      mark();
    } else if (event.key === "Enter" && hits.length) choose(hits[at]);
    else if (event.key === "Escape") { input.value = ""; list(); }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input")) {
      event.preventDefault();
      input.focus();
    }
  });
}

document.querySelector("h1").textContent = graph.workspace;
finder(document.getElementById("search"));
addEventListener("hashchange", show);
show();
