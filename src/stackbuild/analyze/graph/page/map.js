// The drawing: boxes and what they need, to fold and unfold, and to move about in.

const SVG = "http://www.w3.org/2000/svg";
const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

// A drawing that can be folded, dragged, zoomed; centre: the target that it is about, if any.
function drawing(folding, centre = null) {
  const scene = s("g", {});
  const surface = s("svg", { class: "map", role: "group", "aria-label": "Targets and what they need, left to right", tabindex: "0" }, scene);
  const folds = h("div", { class: "folds" });
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
    folds.replaceChildren(...(opened.length ? [h("span", {}, "Unfolded:")] : []), ...opened.slice(0, 12).map((path) =>
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
    const marked = target && (changed || broken);
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
      s("text", { x: "16", y: "20", class: "title" }, clip(title, BOX.width - 36 - width(right, "12px"), "600 14px")),
      s("text", { x: "16", y: "36", class: "below" }, clip(below, BOX.width - (marked ? 46 : 28), "12px", true)),
      s("text", { x: BOX.width - 12, y: "20", class: "right" }, right),
      marked ? s("circle", { class: broken ? "failed" : "built", cx: BOX.width - 16, cy: "33", r: "4.5" }) : null,
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
  return h("div", { class: "drawing" }, folds, h("div", { class: "stage" }, surface, buttons));
}

const pen = document.createElement("canvas").getContext("2d");

function width(text, font) {
  pen.font = `${font} ${getComputedStyle(document.body).fontFamily}`;
  return pen.measureText(text).width;
}

// As much of a text as there is room for, in px: its beginning, or with `end` its end.
function clip(text, room, font, end = false) {
  if (width(text, font) <= room) return text;
  const letters = end ? [...text].slice(-60) : [...text].slice(0, 60);
  const cut = () => (end ? `…${letters.join("")}` : `${letters.join("")}…`);
  while (letters.length && width(cut(), font) > room) letters.splice(end ? 0 : -1, 1);
  return cut();
}

function curve(points) {
  const parts = [`M${points[0].join(" ")}`];
  for (let at = 1; at < points.length; at += 1) {
    const [[x0, y0], [x1, y1]] = [points[at - 1], points[at]];
    const bend = (x1 - x0) / 2;
    parts.push(y0 === y1 ? `L${x1} ${y1}` : `C${x0 + bend} ${y0} ${x1 - bend} ${y1} ${x1} ${y1}`);
  }
  return parts.join("");
}
