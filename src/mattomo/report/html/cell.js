"use strict";
// The chosen cell in full: words, seeds, decomposition with its diagram, controls beside it.
const cellPage = (() => {
  const page = document.getElementById("cell");
  const { texts, places, yardsticks } = embedded;
  const { make, svg, table, block } = draw;
  const partNames = {
    I_R: "representation alone", I_A: "added property alone", I_RA: "both", gain: "gain",
    unique_R: "only the representation", redundant: "either", unique_A: "only the added property",
    synergy: "only both together",
  };

  const dots = (cell) => {
    const known = cell.seeds.map((seed) => draw.number(seed[3])).filter(Number.isFinite);
    const reach = Math.max(0.5, ...known.map(Math.abs)) * 1.1;
    const [found, add] = svg(0, 0, "dots");
    add("line", { x1: "50%", x2: "50%", y1: 0, y2: 16, class: "zero" });
    for (const value of known) add("circle", { cx: `${50 + (48 * value) / reach}%`, cy: 8, r: 4 });
    return found;
  };

  const seeds = (cell) => {
    const unit = cell.unit ? ` / ${cell.unit}` : "";
    return table(["seed", `MAE0${unit}`, `MAE1${unit}`, "change / %"], cell.seeds);
  };

  // Common area of circles of radii r and s whose centres are d apart.
  const lens = (r, s, d) => {
    if (d >= r + s) return 0;
    if (d <= Math.abs(r - s)) return Math.PI * Math.min(r, s) ** 2;
    const a = Math.acos((d * d + r * r - s * s) / (2 * d * r));
    const b = Math.acos((d * d + s * s - r * r) / (2 * d * s));
    return r * r * (a - Math.sin(2 * a) / 2) + s * s * (b - Math.sin(2 * b) / 2);
  };

  const venn = (shown) => {
    const [held, own, shared, synergy] = [shown.I_R, shown.I_A, shown.redundant, shown.synergy].map(draw.number);
    const [found, add] = svg(260, 168, "venn", "Circles: information of the representation and of the added property; areas are bits");
    const total = Math.max(held, own, 1e-9);
    const radius = (bits) => 52 * Math.sqrt(Math.max(bits, 0) / total);
    const [r, s] = [radius(held), radius(own)];
    let [near, far] = [Math.abs(r - s), r + s];
    const wanted = (Math.PI * 52 * 52 * shared) / total;
    for (let step = 0; step < 40; step += 1) {
      const middle = (near + far) / 2;
      if (lens(r, s, middle) > wanted) near = middle;
      else far = middle;
    }
    const distance = (near + far) / 2;
    const left = 130 - (r + distance + s) / 2 + r;
    if (synergy > 0) add("rect", { class: "s", x: 6, y: 6, width: 248, height: 128, rx: 14 });
    add("circle", { class: "r", cx: left, cy: 70, r });
    add("circle", { class: "a", cx: left + distance, cy: 70, r: s });
    add("text", { x: 130, y: 149, class: "where" }, `grey: representation ${shown.I_R}, blue: added ${shown.I_A} bits`);
    add("text", { x: 130, y: 163, class: "where" }, synergy > 0 ? `overlap: either ${shown.redundant}; frame: only together ${shown.synergy}` : `overlap: either ${shown.redundant}`);
    return found;
  };

  // A cell with its texts, and with seed, MAE0, MAE1 and change of each seed.
  const whole = (index) => {
    const cell = embedded.cells[index];
    const place = places[cell.place];
    const base = place.base.split(" ");
    const own = cell.seeds.split(" ");
    const seeds = place.base ? own.map((_, i) => i).filter((i) => i % 2 === 0) : [];
    return {
      ...cell,
      added: texts[cell.added],
      target: texts[place.target],
      where: texts[place.where],
      unit: texts[place.unit],
      yard: place.yard,
      said: cell.said.map((i) => texts[i]),
      doubts: (cell.doubts ?? []).map((i) => texts[i]),
      rules: cell.rules.map((i) => texts[i]),
      seeds: seeds.map((i) => [base[i], base[i + 1], own[i], own[i + 1]]),
    };
  };

  const show = (index) => {
    const cell = whole(index);
    const title = make("h3", `${cell.added} → ${cell.target} `);
    const link = make("a", "link", "permalink");
    link.href = `#cell-${index}`;
    link.setAttribute("aria-label", "Link to this cell");
    title.append(link);
    const content = [
      title,
      make("p", `Added to ${cell.where}: the test error changes by ${cell.change}${cell.bits ? `; ${cell.bits}` : ""}.`),
    ];
    for (const text of cell.said) content.push(make("p", text, "quiet"));
    for (const text of cell.doubts) content.push(make("p", text, "alert"));
    const grid = make("div", undefined, "cellgrid");
    grid.append(block("Seed by seed", dots(cell), seeds(cell)));
    if (cell.parts) {
      const shown = Object.fromEntries(Object.keys(partNames).map((name, i) => [name, cell.parts[i][0]]));
      const rows = Object.values(partNames).map((name, i) => [name, cell.parts[i][0], cell.parts[i][1] || "–", cell.parts[i][2]]);
      grid.append(
        block("What each tells of the target (areas are bits)", venn(shown)),
        block("In bits: point, what the data leave open, 95 % interval", table(["told by", "bits", "open", "interval"], rows)),
      );
    }
    if (cell.yard !== null) {
      grid.append(block("Controls of the same target", table(["control", "error / %", "bits", "interval", "swap p"], yardsticks[cell.yard])));
    }
    grid.append(...closeUp(cell));
    content.push(grid);
    if (page.dataset.far) content.push(make("p", page.dataset.far, "quiet"));
    page.replaceChildren(...content);
  };
  return { show, whole, dots, seeds, page };
})();
