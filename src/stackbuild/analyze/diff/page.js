"use strict";
// The files of each platform: [sign, status, path, detail, place of its layer], shown as far as they are wanted.
for (const section of document.querySelectorAll("section.files")) {
  const files = JSON.parse(section.querySelector("script").textContent);
  const [search, status, layer] = section.querySelectorAll("input, select");
  const rows = section.querySelector("tbody");
  const more = section.querySelector("button");
  const told = section.querySelector("output");
  const step = 300;
  let shown = step;

  const row = ([sign, kind, path, detail]) => {
    const line = document.createElement("tr");
    line.className = kind;
    for (const [text, name] of [[sign, "short"], [path, "path"], [detail, ""]]) {
      const cell = line.insertCell();
      cell.textContent = text;
      cell.className = name;
    }
    return line;
  };

  const show = () => {
    const word = search.value.toLowerCase();
    const found = files.filter(([, kind, path, , place]) =>
      (!word || path.toLowerCase().includes(word)) &&
      (!status.value || kind === status.value) &&
      (!layer.value || place === Number(layer.value)));
    rows.replaceChildren(...found.slice(0, shown).map(row));
    more.hidden = found.length <= shown;
    told.textContent = `${Math.min(shown, found.length)} shown of ${found.length} found`;
  };

  const begin = () => { shown = step; show(); };
  search.addEventListener("input", begin);
  status.addEventListener("change", begin);
  layer.addEventListener("change", begin);
  more.addEventListener("click", () => { shown += step * 4; show(); });
  section.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  section.hidden = false;
  show();
}
