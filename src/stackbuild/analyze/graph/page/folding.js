// Which boxes a set of targets is drawn as: folded by folder until a person can take them in.

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
