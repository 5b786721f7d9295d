// The timeline: a lane for each thread, a box for each piece of work, drawn as far as it is in sight.

class Timeline {
  constructor(canvas) {
    this.canvas = canvas;
    this.words = data.timeline.words;
    this.rows = data.timeline.rows;
    this.rows.sort((a, b) => a[1] - b[1]);
    const depths = data.timeline.threads.map(() => 0);
    for (const row of this.rows) depths[row[0]] = Math.max(depths[row[0]], row[1] + 1);
    this.tops = [];
    let top = 22;
    for (const depth of depths) { this.tops.push(top); top += 18 + depth * 16 + 6; }
    this.height = top;
    this.chosen = null;
    this.all();
    this.listen();
  }
  all() { this.from = 0; this.length = Math.max(1, data.total); this.draw(); }
  zoom(factor, middle = 0.5) {
    const length = Math.min(Math.max(1, data.total), Math.max(20, this.length * factor));
    this.from += (this.length - length) * middle;
    this.length = length;
    this.move(0);
  }
  move(share) {
    this.from = Math.max(0, Math.min(data.total - this.length, this.from + share * this.length));
    this.draw();
  }
  show(target) {
    this.length = Math.min(Math.max(1, data.total), Math.max(200, target.time * 1.5));
    this.from = target.start + target.time / 2 - this.length / 2;
    this.chosen = this.rows.find((row) => this.words[row[2]] === "target" && this.words[row[5]] === target.name) || null;
    this.move(0);
    this.tell(this.chosen);
    if (this.chosen) at("scroller").scrollTop = this.tops[this.chosen[0]] - 60;
  }
  hit(x, y) {
    const scale = this.length / this.canvas.clientWidth;
    const time = this.from + x * scale;
    const near = 3 * scale;
    let best = null;
    for (const row of this.rows) {
      const top = this.tops[row[0]] + 18 + row[1] * 16;
      if (y >= top && y < top + 16 && time >= row[3] - near && time <= row[3] + row[4] + near) {
        if (!best || (row[3] <= time && time <= row[3] + row[4])) best = row;
      }
    }
    return best;
  }
  tell(row) {
    if (!row) { at("detail").textContent = ""; return; }
    const facts = this.words[row[5]];
    at("detail").textContent = `${this.words[row[2]]} · ${duration(row[4])} · from ${duration(row[3])} · ${data.timeline.threads[row[0]]}${facts ? ` · ${facts}` : ""}`;
  }
  listen() {
    const canvas = this.canvas;
    let grabbed = null;
    canvas.addEventListener("pointerdown", (event) => { grabbed = { x: event.clientX, from: this.from, moved: false }; canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointermove", (event) => {
      if (!grabbed) { this.tell(this.hit(event.offsetX, event.offsetY) || this.chosen); return; }
      const gone = event.clientX - grabbed.x;
      if (Math.abs(gone) > 3) grabbed.moved = true;
      this.from = grabbed.from - (gone / canvas.clientWidth) * this.length;
      this.move(0);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (grabbed && !grabbed.moved) { this.chosen = this.hit(event.offsetX, event.offsetY); this.tell(this.chosen); this.draw(); }
      grabbed = null;
    });
    canvas.addEventListener("pointercancel", () => { grabbed = null; });
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.25 : 0.8, event.offsetX / canvas.clientWidth);
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const keys = { ArrowLeft: () => this.move(-0.1), ArrowRight: () => this.move(0.1), "+": () => this.zoom(0.5), "=": () => this.zoom(0.5),
        "-": () => this.zoom(2), Home: () => this.all() };
      if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
    });
    at("nearer").addEventListener("click", () => this.zoom(0.5));
    at("farther").addEventListener("click", () => this.zoom(2));
    at("whole").addEventListener("click", () => this.all());
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }
  draw() {
    const width = this.canvas.parentElement.clientWidth, ratio = window.devicePixelRatio || 1;
    this.canvas.width = width * ratio;
    this.canvas.height = this.height * ratio;
    this.canvas.style.height = `${this.height}px`;
    const pen = this.canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    pen.scale(ratio, ratio);
    pen.font = "11px ui-monospace, monospace";
    pen.textBaseline = "middle";
    this.ruler(pen, width, colour);
    const scale = width / this.length, text = colour("--ink"), light = colour("--light"), rich = colour("--rich");
    // What ends left of what was drawn last in its row is too small to be seen beside it.
    const drawn = new Map();
    for (const row of this.rows) {
      const left = (row[3] - this.from) * scale, right = left + row[4] * scale;
      if (right < 0 || left > width) continue;
      const top = this.tops[row[0]] + 18 + row[1] * 16, place = row[0] * 1000 + row[1];
      const pixel = Math.floor(left);
      if (right - left < 1 && drawn.get(place) === pixel) continue;
      drawn.set(place, pixel);
      const x = Math.max(0, left), wide = Math.max(0.7, Math.min(width, right) - x);
      pen.fillStyle = `hsl(${(row[2] * 67 + 28) % 360} ${rich} ${light})`;
      pen.fillRect(x, top, wide > 3 ? wide - 0.5 : wide, 15);
      if (row === this.chosen) { pen.strokeStyle = text; pen.lineWidth = 2; pen.strokeRect(x + 1, top + 1, Math.max(2, wide - 2), 13); }
      if (wide > 34) {
        const facts = this.words[row[5]], room = Math.floor((wide - 6) / 6.7);
        const label = facts && (this.words[row[2]] === "target" || this.words[row[2]] === "load") ? facts : this.words[row[2]];
        pen.fillStyle = text;
        pen.fillText(label.length > room ? `${label.slice(0, Math.max(1, room - 1))}…` : label, x + 3, top + 8);
      }
    }
    pen.fillStyle = colour("--soft");
    data.timeline.threads.forEach((name, lane) => pen.fillText(name, 4, this.tops[lane] + 9));
    at("window").textContent = `${duration(Math.round(this.from))} to ${duration(Math.round(this.from + this.length))}${this.left()}`;
  }
  left() {
    const out = data.timeline.left_out + data.timeline.lost;
    return out ? `; ${many(out, "short or late span")} left out` : "";
  }
  ruler(pen, width, colour) {
    const rough = this.length / Math.max(2, width / 110), power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((by) => by * power).find((by) => by >= rough);
    pen.strokeStyle = colour("--line");
    pen.fillStyle = colour("--soft");
    pen.lineWidth = 1;
    for (let time = Math.ceil(this.from / step) * step; time <= this.from + this.length; time += step) {
      const x = ((time - this.from) / this.length) * width;
      pen.beginPath(); pen.moveTo(x, 0); pen.lineTo(x, this.height); pen.stroke();
      pen.fillText(duration(Math.round(time)), x + 3, 9);
    }
  }
}
