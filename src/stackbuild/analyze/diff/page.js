// The files of each platform: [status, certain, path, detail, place of its layer], shown as far as they are wanted.

const STEP = 300;
document.querySelectorAll("section.files").forEach((section, at) => {
  const files = data[at];
  const [search, status, layer] = section.querySelectorAll("input, select");
  const rows = section.querySelector("tbody");
  const more = section.querySelector("button");
  let shown = STEP;

  const row = ([kind, certain, path, detail]) => h("tr", {},
    h("td", { class: "status" }, chip(kind === "time" ? "same" : kind, `${kind === "time" ? "time only" : kind}${certain ? "" : "?"}`)),
    h("td", { class: "path" }, path), h("td", { class: "wide soft" }, detail));

  const show = () => {
    const word = search.value.toLowerCase();
    const found = files.filter(([kind, , path, , place]) =>
      (!word || path.toLowerCase().includes(word)) &&
      (!status.value || kind === status.value) &&
      (!layer.value || place === Number(layer.value)));
    rows.replaceChildren(...found.slice(0, shown).map(row));
    more.hidden = found.length <= shown;
    const part = found.length > shown ? `the first ${number(shown)} of ` : "";
    section.querySelector("output").textContent = found.length ? `${part}${many(found.length, "file")}` : "No file is like this.";
  };

  const begin = () => { shown = STEP; show(); };
  search.addEventListener("input", begin);
  status.addEventListener("change", begin);
  layer.addEventListener("change", begin);
  more.addEventListener("click", () => { shown += STEP * 4; show(); });
  section.hidden = false;
  show();
});
