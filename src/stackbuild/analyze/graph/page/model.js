// The graph as the views read it: targets and folders with what follows from the document.

const graph = data;
const targets = graph.targets;
const byAddress = new Map(targets.map((target) => [target.address, target]));
const layers = graph.layers;
const byDigest = new Map(layers.map((layer) => [layer.digest, layer]));
const types = [...new Set(targets.map((target) => target.type))].sort();
const folders = new Map(); // path -> {path, parent, folders, targets, count}

function folderAt(path) {
  if (!folders.has(path)) {
    const folder = { path, parent: null, folders: [], targets: [], count: 0 };
    folders.set(path, folder);
    if (path !== "") {
      folder.parent = folderAt(path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "");
      folder.parent.folders.push(folder);
    }
  }
  return folders.get(path);
}

for (const target of targets) {
  const colon = target.address.lastIndexOf(":");
  target.folder = folderAt(target.address.slice(2, colon));
  target.folder.targets.push(target);
  target.name = target.address.slice(colon + 1);
  target.status = target.last ? target.last.status : "";
  target.isImage = target.gives.includes("images");
  target.users = [];
  target.saved = target.images = null;
  target.words = `${target.address} ${target.type}`.toLowerCase();
  for (let folder = target.folder; folder; folder = folder.parent) folder.count += 1;
}
for (const target of targets) {
  target.needs = target.needs.map((address) => byAddress.get(address));
  for (const need of target.needs) need.users.push(target);
}
for (const layer of layers) {
  for (const address of layer.made_by) {
    const target = byAddress.get(address);
    if (!target || target.isImage) continue; // what an image was handed by another is not its own
    target.saved = (target.saved ?? 0) + layer.saved;
    target.images = Math.max(target.images ?? 0, layer.images);
  }
}

const images = targets.filter((target) => target.isImage && target.gives.includes("image"));
const built = targets.filter((target) => target.status === "built");
const failed = targets.filter((target) => target.status === "failed");

// What lies within so many steps, itself not counted. side: "needs" or "users".
function reach(start, side, depth = Infinity) {
  const found = new Set();
  let edge = [start];
  for (let step = 0; step < depth && edge.length; step += 1) {
    const next = [];
    for (const target of edge) {
      for (const other of target[side]) {
        if (other !== start && !found.has(other)) {
          found.add(other);
          next.push(other);
        }
      }
    }
    edge = next;
  }
  return found;
}

// The targets on any way between two, both included; empty when neither needs the other.
function between(one, other) {
  for (const [top, bottom] of [[one, other], [other, one]]) {
    const below = reach(top, "needs");
    if (below.has(bottom)) {
      const above = reach(bottom, "users");
      return new Set([top, ...[...below].filter((target) => above.has(target)), bottom]);
    }
  }
  return new Set();
}

// The targets that hold every word, those whose name begins like it first.
function search(query, most = Infinity) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return most === Infinity ? targets : [];
  const rank = (target) => {
    const name = target.name.toLowerCase();
    if (target.address.toLowerCase() === words[0] || name === words[0]) return 0;
    return name.startsWith(words[0]) ? 1 : name.includes(words[0]) ? 2 : 3;
  };
  const ranks = [[], [], [], []];
  for (const target of targets) {
    if (words.every((word) => target.words.includes(word))) ranks[rank(target)].push(target);
  }
  return ranks.flat().slice(0, most);
}
