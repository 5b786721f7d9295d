// Moving about in a drawing: dragging, pinching, the wheel, and keys.
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
