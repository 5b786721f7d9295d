// The drawing: a set of targets, folded by folder until a person can take it in.

const ROOM = 24; // boxes that a drawing begins with, about
const FIRST = 16; // of a folder's children at first; the rest are one box until asked for
const MORE = 40;

// What is folded in a drawing of the targets in `members`; `pinned` ones are never folded away.
class Folding {
  constructor(members, pinned = []) {
    this.members = members;
    this.pinned = new Set(pinned);
    this.open = new Set([""]);
    this.shown = new Map();
    this.count = new Map(); // path -> members below
    this.children = new Map(); // path -> its folders and targets that hold members
    for (const target of members) {
      this._child(target.folder.path, target);
      for (let folder = target.folder; folder; folder = folder.parent) {
        this.count.set(folder.path, (this.count.get(folder.path) ?? 0) + 1);
        if (folder.parent) this._child(folder.parent.path, folder);
      }
    }
    const asked = needed(members);
    this.place = new Map(); // child -> its place among those of its folder
    for (const [path, set] of this.children) {
      this.children.set(path, ranked([...set], this.count, asked));
      this.children.get(path).forEach((child, at) => this.place.set(child, at));
    }
    this._openSome();
  }

  _child(path, child) {
    if (!this.children.has(path)) this.children.set(path, new Set());
    this.children.get(path).add(child);
  }

  // Whether a folder is not worth a box: it holds one thing only.
  _thin(path) {
    return this.children.get(path).length === 1;
  }

  isOpen(path) {
    return this.open.has(path) || this._thin(path);
  }

  toggle(path) {
    if (!this.open.delete(path)) this.open.add(path);
    else this.shown.delete(path);
  }

  more(path) {
    this.shown.set(path, (this.shown.get(path) ?? FIRST) + MORE);
  }

  _openSome() {
    const inside = (path) => Math.min(this.children.get(path).length, FIRST + 1);
    let room = ROOM - inside("");
    let waiting = [""];
    while (waiting.length) {
      const closed = waiting.flatMap((path) => this.children.get(path).slice(0, FIRST).filter((child) => !child.address).map((child) => child.path));
      waiting = [];
      for (const path of closed.sort((one, other) => inside(one) - inside(other))) {
        if (inside(path) - 1 > room) continue;
        room -= inside(path) - 1;
        this.open.add(path);
        waiting.push(path);
      }
    }
  }

  // The box in which a target is seen: {key, target | folder | rest (of a folder)}.
  boxOf(target) {
    if (this.pinned.has(target)) return { key: target.address, target };
    const way = [];
    for (let folder = target.folder; folder; folder = folder.parent) way.unshift(folder);
    for (const [at, folder] of way.entries()) {
      if (!this.isOpen(folder.path)) return { key: `${folder.path}/`, folder };
      const child = way[at + 1] ?? target;
      const children = this.children.get(folder.path);
      const limit = this.shown.get(folder.path) ?? FIRST;
      if (children.length > limit + 1 && this.place.get(child) >= limit) {
        return { key: `${folder.path}/…`, rest: folder, count: children.length - limit };
      }
    }
    return { key: target.address, target };
  }

  // Every box with its members, and the edges between boxes.
  picture() {
    const boxes = new Map();
    const home = new Map();
    const edges = new Map();
    for (const target of this.members) {
      const box = this.boxOf(target);
      if (!boxes.has(box.key)) boxes.set(box.key, { ...box, members: [] });
      boxes.get(box.key).members.push(target);
      home.set(target, box.key);
    }
    for (const target of this.members) {
      for (const need of target.needs) {
        const [from, to] = [home.get(target), home.get(need)];
        if (to === undefined || from === to) continue;
        const key = JSON.stringify([from, to]);
        if (!edges.has(key)) edges.set(key, [from, to]);
      }
    }
    return { boxes, edges: [...edges.values()] };
  }
}

// How often each folder is needed from outside of it.
function needed(members) {
  const asked = new Map();
  for (const target of members) {
    for (const need of target.needs) {
      for (let folder = need.folder; folder && !holds(folder, target); folder = folder.parent) {
        asked.set(folder.path, (asked.get(folder.path) ?? 0) + 1);
      }
    }
  }
  return asked;
}

const holds = (folder, target) => folder.path === "" || `${target.folder.path}/`.startsWith(`${folder.path}/`);

// Folders first, the largest and the most needed at their head; then what was built last, then images.
function ranked(children, count, asked) {
  const weight = (child) => (child.address ? (child.status === "built" ? 2 : 0) + (child.isImage ? 1 : 0) : 4);
  const amount = (child) => (child.address ? child.size ?? 0 : count.get(child.path) + (asked.get(child.path) ?? 0));
  const name = (child) => child.address ?? child.path;
  return children.sort((a, b) => weight(b) - weight(a) || amount(b) - amount(a) || (name(a) < name(b) ? -1 : 1));
}

// A drawing that can be folded, dragged, zoomed; centre: the target that it is about, if any.
function drawing(folding, centre = null) {
  const scene = s("g", {});
  const surface = s("svg", { class: "map", role: "group", "aria-label": "Targets and what they need, left to right", tabindex: "0" }, scene);
  const chips = h("div", { class: "chips" });
  const view = { x: 0, y: 0, scale: 1 };
  let extent = { width: 1, height: 1, focus: null };

  const apply = () => scene.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.scale})`);

  function fit() {
    const { width, height } = surface.getBoundingClientRect();
    const whole = Math.min(1, (width - 32) / extent.width, (height - 32) / extent.height);
    view.scale = Math.max(whole, width < 700 ? 0.8 : 0.68);
    const along = (room, length, at) => {
      const drawn = length * view.scale;
      return drawn <= room - 32 ? (room - drawn) / 2 : Math.min(16, Math.max(room - 16 - drawn, room / 2 - at * view.scale));
    };
    view.x = along(width, extent.width, extent.focus ? extent.focus.x + BOX.width / 2 : 0);
    view.y = along(height, extent.height, extent.focus ? extent.focus.y + BOX.height / 2 : 0);
    apply();
  }

  function zoom(factor, x, y) {
    const scale = Math.min(2.5, Math.max(0.1, view.scale * factor));
    view.x = x - ((x - view.x) * scale) / view.scale;
    view.y = y - ((y - view.y) * scale) / view.scale;
    view.scale = scale;
    apply();
  }

  function draw(focusKey) {
    const { boxes, edges } = folding.picture();
    const { places, routes, width, height } = layered([...boxes.keys()], edges);
    const lines = edges.map(([from, to], at) => s("path", { d: curve(routes[at]), "data-from": from, "data-to": to }));
    const cards = [...boxes.values()].map((box) => boxed(box, places.get(box.key), box.target === centre && centre !== null));
    scene.replaceChildren(s("g", { class: "edges" }, lines), s("g", {}, cards));
    extent = { width, height, focus: centre ? places.get(centre.address) : null };
    const opened = [...folding.open].filter((path) => path !== "" && folding.children.has(path) && !folding._thin(path)).sort();
    chips.replaceChildren(...(opened.length ? [h("span", {}, "Unfolded:")] : []), ...opened.slice(0, 12).map((path) =>
      h("button", { type: "button", title: "Fold", "aria-label": `Fold //${path}`, onclick: () => { folding.toggle(path); redraw(`${path}/`); } }, `//${path} `, h("b", { "aria-hidden": "true" }, "×"))));
    if (focusKey !== undefined) scene.querySelector(`[data-key="${CSS.escape(focusKey)}"]`)?.focus({ preventScroll: true });
  }

  function redraw(key) {
    draw(key);
    fit();
  }

  function boxed(box, place, isCentre) {
    const { target } = box;
    const changed = box.members.filter((member) => member.status === "built").length;
    const broken = box.members.some((member) => member.status === "failed");
    const [title, below, right, says] = target
      ? [target.name, `//${target.folder.path}`, target.known ? size(target.size) : "?", `${target.address}, ${target.type}, ${size(target.size)}${target.status ? `, ${target.status} last` : ""}`]
      : box.folder
        ? [`${box.folder.path.split("/").at(-1)}/…`, `${many(box.members.length, "target")}${changed ? ` · ${number(changed)} built last` : ""}`, "+", `//${box.folder.path}, ${many(box.members.length, "target")}; unfold`]
        : [`${number(box.count)} more`, `in //${box.rest.path}`, "+", `${number(box.count)} more in //${box.rest.path}; show some`];
    const act = () => {
      if (target) location.hash = hash({ target: target.address });
      else {
        if (box.folder) folding.toggle(box.folder.path);
        else folding.more(box.rest.path);
        redraw(box.key);
        if (document.activeElement === document.body) surface.focus({ preventScroll: true });
      }
    };
    const light = (on) => {
      scene.classList.toggle("lit", on);
      for (const line of scene.querySelectorAll("path")) {
        line.classList.toggle("on", on && (line.dataset.from === box.key || line.dataset.to === box.key));
      }
    };
    const group = s(
      "g",
      {
        class: `box ${target ? `target ${kind(target)}` : "folder"}${isCentre ? " centre" : ""}`,
        transform: `translate(${place.x} ${place.y})`,
        tabindex: "0", role: target ? "link" : "button", "aria-label": says, "data-key": box.key,
        onclick: act,
        onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); event.stopPropagation(); act(); } },
        onpointerenter: () => light(true), onpointerleave: () => light(false), onfocus: () => light(true), onblur: () => light(false),
      },
      s("title", {}, says),
      target ? null : s("rect", { class: "behind", x: "4", y: "4", width: BOX.width, height: BOX.height, rx: "7" }),
      s("rect", { class: "body", width: BOX.width, height: BOX.height, rx: "7" }),
      target ? s("rect", { class: "mark", width: "6", height: BOX.height, rx: "3" }) : null,
      s("text", { x: "16", y: "20", class: "title" }, clip(title, right.length > 3 ? 17 : 22)),
      s("text", { x: "16", y: "36", class: "below" }, clip(below, 30, true)),
      s("text", { x: BOX.width - 12, y: "20", class: "right" }, right),
      target && (changed || broken) ? s("circle", { class: broken ? "failed" : "built", cx: BOX.width - 16, cy: "33", r: "4.5" }) : null,
    );
    return group;
  }

  steer(surface, view, { apply, zoom, fit });
  const buttons = h("div", { class: "zoom" },
    h("button", { type: "button", "aria-label": "Zoom in", onclick: () => centreZoom(1.25) }, "+"),
    h("button", { type: "button", "aria-label": "Zoom out", onclick: () => centreZoom(0.8) }, "−"),
    h("button", { type: "button", onclick: fit }, "Fit"));
  function centreZoom(factor) {
    const { width, height } = surface.getBoundingClientRect();
    zoom(factor, width / 2, height / 2);
  }
  draw();
  requestAnimationFrame(fit);
  return h("div", { class: "drawing" }, chips, h("div", { class: "stage" }, surface, buttons));
}

const clip = (text, most, start = false) =>
  [...text].length <= most ? text : start ? `…${[...text].slice(1 - most).join("")}` : `${[...text].slice(0, most - 1).join("")}…`;

function curve(points) {
  const parts = [`M${points[0].join(" ")}`];
  for (let at = 1; at < points.length; at += 1) {
    const [[x0, y0], [x1, y1]] = [points[at - 1], points[at]];
    const bend = (x1 - x0) / 2;
    parts.push(y0 === y1 ? `L${x1} ${y1}` : `C${x0 + bend} ${y0} ${x1 - bend} ${y1} ${x1} ${y1}`);
  }
  return parts.join("");
}

// Dragging, pinching, the wheel, and keys.
function steer(surface, view, { apply, zoom, fit }) {
  const held = new Map();
  let dragged = false;
  const local = (event) => {
    const box = surface.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const spread = () => {
    const [[ax, ay], [bx, by]] = [...held.values()];
    return [Math.hypot(ax - bx, ay - by), (ax + bx) / 2, (ay + by) / 2];
  };
  surface.addEventListener("pointerdown", (event) => {
    held.set(event.pointerId, local(event));
    dragged = false;
  });
  surface.addEventListener("pointermove", (event) => {
    const old = held.get(event.pointerId);
    if (!old) return;
    const now = local(event);
    if (!dragged && Math.hypot(now[0] - old[0], now[1] - old[1]) < 4) return;
    if (!dragged) surface.setPointerCapture(event.pointerId);
    dragged = true;
    if (held.size === 2) {
      const [before] = spread();
      held.set(event.pointerId, now);
      const [after, x, y] = spread();
      zoom(after / before, x, y);
      return;
    }
    held.set(event.pointerId, now);
    view.x += now[0] - old[0];
    view.y += now[1] - old[1];
    apply();
  });
  for (const name of ["pointerup", "pointercancel"]) surface.addEventListener(name, (event) => held.delete(event.pointerId));
  surface.addEventListener("click", (event) => { if (dragged) event.stopPropagation(); dragged = false; }, true);
  surface.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / (event.deltaMode ? 20 : 400)), ...local(event));
  }, { passive: false });
  surface.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
    const { width, height } = surface.getBoundingClientRect();
    if (step) [view.x, view.y] = [view.x + step[0], view.y + step[1]];
    else if (event.key === "+") zoom(1.25, width / 2, height / 2);
    else if (event.key === "-") zoom(0.8, width / 2, height / 2);
    else if (event.key === "0") fit();
    else return;
    event.preventDefault();
    apply();
  });
}
