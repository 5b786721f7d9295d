// Tables of thousands of rows: only those in sight are in the page.

const ROW = 34;
const compare = (one, other) => (one === other ? 0 : one === null ? 1 : other === null ? -1 : one < other ? -1 : 1);
const STATES = { failed: 0, built: 1, reused: 2, "": 3 };

const TARGETS = {
  address: { words: "Target", value: (target) => target.address, cell: (target) => shortLink(target) },
  type: { words: "Type", value: (target) => target.type, cell: (target) => target.type },
  size: { words: "Size", value: (target) => target.size, cell: (target) => size(target.size), amount: true },
  images: { words: "In images", value: (target) => target.images, cell: (target) => (target.images === null ? "–" : number(target.images)), amount: true },
  saved: { words: "Saved", value: (target) => target.saved, cell: (target) => (target.saved === null ? "–" : size(target.saved)), amount: true },
  users: { words: "Needed by", value: (target) => target.users.length, cell: (target) => number(target.users.length), amount: true },
  last: { words: "Last build", value: (target) => STATES[target.status] + (target.known ? 0 : 1), cell: (target) => status(target) },
};
const madeBy = (layer) => (byAddress.has(layer.made_by[0]) ? shortLink(byAddress.get(layer.made_by[0])) : layer.made_by[0]);
const LAYERS = {
  made: { words: "Layer of", value: (layer) => layer.made_by[0] ?? "", cell: (layer) => (layer.made_by.length ? madeBy(layer) : "–") },
  digest: { words: "Digest", value: (layer) => layer.digest, cell: (layer) => h("code", { title: layer.digest }, short(layer.digest)) },
  size: { words: "Size", value: (layer) => layer.size, cell: (layer) => size(layer.size), amount: true },
  images: { words: "In images", value: (layer) => layer.images, cell: (layer) => number(layer.images), amount: true },
  saved: { words: "Saved", value: (layer) => layer.saved, cell: (layer) => size(layer.saved), amount: true },
};

// columns: of the above; items: query -> rows; sort: the column to begin with.
function table(columns, items, sort, noun) {
  const state = { sort, falling: Boolean(columns[sort].amount), query: "", rows: [] };
  const head = h("tr", {});
  const body = h("tbody", {});
  const grid = h("table", { class: noun }, h("thead", {}, head), body);
  const box = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": noun, onscroll: () => requestAnimationFrame(show) }, grid);
  const count = h("p", { class: "soft", role: "status" });
  const filter = h("input", {
    type: "search", placeholder: "Filter by name, folder or type", "aria-label": `Filter ${noun}`, spellcheck: "false",
    oninput: () => { state.query = filter.value; arrange(); },
  });

  function arrange() {
    const { value } = columns[state.sort];
    const sign = state.falling ? -1 : 1;
    state.rows = [...items(state.query)].sort((one, other) => {
      const [a, b] = [value(one), value(other)];
      return a === null || b === null ? compare(a, b) : sign * compare(a, b);
    });
    count.textContent = many(state.rows.length, noun.slice(0, -1));
    head.replaceChildren(...Object.entries(columns).map(([name, column]) => heading(name, column)));
    grid.setAttribute("aria-rowcount", state.rows.length + 1);
    box.scrollTop = 0;
    show();
  }

  function heading(name, column) {
    const on = name === state.sort;
    const click = () => {
      [state.falling, state.sort] = [on ? !state.falling : Boolean(column.amount), name];
      arrange();
      head.querySelector(`[data-name="${name}"]`).focus();
    };
    return h("th", { scope: "col", class: `c-${name}${column.amount ? " amount" : ""}`, "aria-sort": on ? (state.falling ? "descending" : "ascending") : null },
      h("button", { type: "button", "data-name": name, onclick: click }, column.words, h("span", { "aria-hidden": "true" }, on ? (state.falling ? " ↓" : " ↑") : "")));
  }

  function show() {
    const first = Math.max(0, Math.floor(box.scrollTop / ROW) - 10);
    const last = Math.min(state.rows.length, first + Math.ceil((box.clientHeight || 600) / ROW) + 20);
    const gap = (rows) => {
      const cell = h("td", {});
      cell.style.height = `${rows * ROW}px`;
      return h("tr", { class: "gap", "aria-hidden": "true" }, cell);
    };
    const rows = state.rows.slice(first, last).map((item, at) =>
      h("tr", { "aria-rowindex": first + at + 2 }, Object.entries(columns).map(([name, column]) => h("td", { class: `c-${name}${column.amount ? " amount" : ""}` }, column.cell(item)))));
    body.replaceChildren(...(first ? [gap(first)] : []), ...rows, ...(last < state.rows.length ? [gap(state.rows.length - last)] : []));
  }

  arrange();
  requestAnimationFrame(show);
  return h("div", { class: "page tabled" }, h("div", { class: "tools" }, filter, count), box);
}

const targetsTable = (sort) => table(TARGETS, search, Object.hasOwn(TARGETS, sort) ? sort : "address", "targets");

function layersTable(sort) {
  const found = (query) => {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    return layers.filter((layer) => words.every((word) => `${layer.made_by.join(" ")} ${layer.digest}`.toLowerCase().includes(word)));
  };
  return table(LAYERS, found, Object.hasOwn(LAYERS, sort) ? sort : "saved", "layers");
}
