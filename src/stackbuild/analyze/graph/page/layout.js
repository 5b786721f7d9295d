// A layered layout, left to right (Sugiyama's steps: no cycles, ranks, order in a rank, coordinates).

const BOX = { width: 224, height: 46, apart: 14, between: 84, bend: 12 };

// keys: of the nodes; edges: [from, to]. Gives {places: key -> {x, y}, routes: [[x, y]…] for each edge, width, height}.
function layered(keys, edges) {
  const forward = acyclic(keys, edges);
  const rank = ranks(keys, forward);
  const { columns, chains, next, before } = withBends(keys, forward, rank);
  for (let sweep = 0; sweep < 8; sweep += 1) {
    const down = sweep % 2 === 0;
    for (const column of down ? columns : [...columns].reverse()) reorder(column, down ? before : next);
  }
  const y = coordinates(columns, next, before);
  const x = (item) => item.rank * (BOX.width + BOX.between);
  const places = new Map();
  let [width, height] = [0, 0];
  for (const item of columns.flat()) {
    if (item.key === undefined) continue;
    places.set(item.key, { x: x(item), y: y.get(item) });
    width = Math.max(width, x(item) + BOX.width);
    height = Math.max(height, y.get(item) + BOX.height);
  }
  const routes = chains.map(({ items, turned }) => {
    const middle = (item) => y.get(item) + (item.key === undefined ? 0 : BOX.height / 2);
    const points = [];
    items.forEach((item, at) => {
      if (at > 0) points.push([x(item), middle(item)]);
      if (at < items.length - 1) points.push([x(item) + BOX.width, middle(item)]);
    });
    return turned ? points.reverse() : points;
  });
  return { places, routes, width, height };
}

// The edges, those that close a cycle turned round. Folders may need each other where targets cannot.
function acyclic(keys, edges) {
  const out = new Map(keys.map((key) => [key, []]));
  edges.forEach(([from, to], index) => out.get(from).push([to, index]));
  const state = new Map();
  const turned = new Set();
  for (const root of keys) {
    const stack = state.has(root) ? [] : [[root, 0]];
    if (stack.length) state.set(root, 1);
    while (stack.length) {
      const top = stack[stack.length - 1];
      const edge = out.get(top[0])[top[1]];
      top[1] += 1;
      if (!edge) {
        state.set(top[0], 2);
        stack.pop();
      } else if (state.get(edge[0]) === 1) turned.add(edge[1]);
      else if (!state.has(edge[0])) {
        state.set(edge[0], 1);
        stack.push([edge[0], 0]);
      }
    }
  }
  return edges.map(([from, to], index) => (turned.has(index) ? { from: to, to: from, turned: true } : { from, to, turned: false }));
}

// Each node right of all that need it, and no further left than it must be.
function ranks(keys, edges) {
  const out = new Map(keys.map((key) => [key, []]));
  const open = new Map(keys.map((key) => [key, 0]));
  for (const { from, to } of edges) {
    out.get(from).push(to);
    open.set(to, open.get(to) + 1);
  }
  const sources = keys.filter((key) => !open.get(key));
  const rank = new Map(keys.map((key) => [key, 0]));
  const order = [...sources];
  for (const key of order) {
    for (const to of out.get(key)) {
      rank.set(to, Math.max(rank.get(to), rank.get(key) + 1));
      open.set(to, open.get(to) - 1);
      if (!open.get(to)) order.push(to);
    }
  }
  for (const key of sources) {
    const after = out.get(key).map((to) => rank.get(to));
    if (after.length) rank.set(key, Math.min(...after) - 1);
  }
  return rank;
}

// Columns of nodes, and of bends where an edge passes through a column.
function withBends(keys, edges, rank) {
  const columns = [];
  const put = (item) => ((columns[item.rank] ??= []).push(item), item);
  const items = new Map(keys.map((key) => [key, put({ key, rank: rank.get(key) })]));
  const [next, before] = [new Map(), new Map()];
  const join = (map, from, to) => (map.has(from) ? map.get(from).push(to) : map.set(from, [to]));
  const chains = edges.map(({ from, to, turned }) => {
    const chain = [items.get(from)];
    for (let at = rank.get(from) + 1; at < rank.get(to); at += 1) chain.push(put({ rank: at }));
    chain.push(items.get(to));
    for (let at = 1; at < chain.length; at += 1) {
      join(next, chain[at - 1], chain[at]);
      join(before, chain[at], chain[at - 1]);
    }
    return { items: chain, turned };
  });
  for (let at = 0; at < columns.length; at += 1) columns[at] ??= [];
  columns.forEach((column) => column.forEach((item, at) => (item.at = at)));
  return { columns, chains, next, before };
}

// Put each item at the mean place of its neighbours in the column beside.
function reorder(column, neighbours) {
  const wish = new Map(column.map((item) => [item, mean((neighbours.get(item) ?? []).map((other) => other.at), item.at)]));
  column.sort((one, other) => wish.get(one) - wish.get(other) || one.at - other.at);
  column.forEach((item, at) => (item.at = at));
}

const mean = (values, otherwise) => (values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : otherwise);

// Heights: each item as near to its neighbours as its place in the column allows.
function coordinates(columns, next, before) {
  const deep = (item) => (item.key === undefined ? 0 : BOX.height);
  const apart = (one, other) => deep(one) + (one.key === undefined && other.key === undefined ? BOX.bend : BOX.apart);
  const y = new Map();
  for (const column of columns) {
    let at = 0;
    column.forEach((item, index) => {
      if (index) at += apart(column[index - 1], item);
      y.set(item, at);
    });
    const middle = (at + (column.length ? deep(column.at(-1)) : 0)) / 2;
    for (const item of column) y.set(item, y.get(item) - middle);
  }
  for (let sweep = 0; sweep < 10; sweep += 1) {
    for (const column of sweep % 2 ? [...columns].reverse() : columns) settle(column, y, next, before, deep, apart);
  }
  const top = Math.min(0, ...[...y.values()]);
  for (const [item, value] of y) y.set(item, value - top);
  return y;
}

function settle(column, y, next, before, deep, apart) {
  const centre = (item) => y.get(item) + deep(item) / 2;
  const wishes = column.map((item) => {
    const others = [...(before.get(item) ?? []), ...(next.get(item) ?? [])];
    return mean(others.map(centre), centre(item)) - deep(item) / 2;
  });
  // Runs of items that touch move as one, to the mean of what they wish (pool adjacent violators).
  const runs = [];
  column.forEach((item, index) => {
    const offset = index ? apart(column[index - 1], item) : 0;
    let run = { items: [item], offsets: [0], sum: wishes[index], lead: offset, depth: 0 };
    while (runs.length && runs.at(-1).sum / runs.at(-1).items.length + runs.at(-1).depth + run.lead > run.sum / run.items.length) {
      const above = runs.pop();
      const shift = above.depth + run.lead;
      run = {
        items: [...above.items, ...run.items],
        offsets: [...above.offsets, ...run.offsets.map((value) => value + shift)],
        sum: above.sum + run.sum - shift * run.items.length,
        lead: above.lead,
        depth: shift + run.depth,
      };
    }
    runs.push(run);
  });
  for (const run of runs) run.items.forEach((item, at) => y.set(item, run.sum / run.items.length + run.offsets[at]));
}
