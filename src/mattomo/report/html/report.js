"use strict";
(() => {
  const details = JSON.parse(document.getElementById("details").textContent);
  const popup = document.getElementById("popup");
  let open = null;

  const make = (tag, text, className) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };

  const dots = (changes) => {
    const known = changes.filter((value) => value !== null);
    const reach = Math.max(0.005, ...known.map(Math.abs)) * 1.1;
    const ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg");
    const add = (tag, attributes) => {
      const mark = document.createElementNS(ns, tag);
      for (const [key, value] of Object.entries(attributes)) mark.setAttribute(key, value);
      svg.append(mark);
    };
    add("line", { x1: "50%", x2: "50%", y1: 0, y2: 16, class: "zero" });
    for (const value of known) add("circle", { cx: `${50 + (48 * value) / reach}%`, cy: 8, r: 4 });
    svg.setAttribute("aria-hidden", "true");
    return svg;
  };

  const fill = (cell) => {
    const rule = document.querySelector("input[name=rule]:checked").id.replace("rule-", "");
    const head = make("tr");
    const unit = cell.unit ? ` / ${cell.unit}` : "";
    for (const title of ["seed", `MAE0${unit}`, `MAE1${unit}`, "change / %"]) head.append(make("th", title));
    const table = make("table");
    table.append(head);
    for (const seed of cell.seeds) {
      const row = make("tr");
      for (const value of seed) row.append(make("td", value));
      table.append(row);
    }
    popup.replaceChildren(
      make("p", `${cell.added} → ${cell.target}`, "title"),
      make("p", `${cell.where}: ${cell.change}`),
      make("p", cell.verdicts[rule], "quiet"),
      dots(cell.dots),
      table,
    );
  };

  const show = (td) => {
    if (open) open.classList.remove("open");
    open = td;
    popup.hidden = !td;
    if (!td) return;
    td.classList.add("open");
    fill(details[td.dataset.cell]);
    const at = td.getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    const left = Math.min(Math.max(8, at.left + at.width / 2 - popup.offsetWidth / 2), width - popup.offsetWidth - 8);
    const below = at.bottom + 8 + popup.offsetHeight < window.innerHeight;
    popup.style.left = `${left + window.scrollX}px`;
    popup.style.top = `${(below ? at.bottom + 8 : Math.max(4, at.top - popup.offsetHeight - 8)) + window.scrollY}px`;
  };

  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  for (const grid of document.querySelectorAll("table.heat")) {
    const rows = [...grid.tBodies[0].rows].map((row) => [...row.querySelectorAll("td")]);
    const cells = rows.flat();
    for (const td of cells) {
      td.tabIndex = -1;
      if (td.dataset.cell) td.removeAttribute("title");
    }
    if (cells.length) cells[0].tabIndex = 0;
    grid.addEventListener("focusin", (event) => {
      const td = event.target.closest("td.cell");
      if (!td) return;
      for (const other of cells) other.tabIndex = other === td ? 0 : -1;
      show(td.dataset.cell ? td : null);
    });
    grid.addEventListener("focusout", () => show(null));
    grid.addEventListener("mouseover", (event) => {
      const td = event.target.closest("td[data-cell]");
      if (td !== open) show(td);
    });
    grid.addEventListener("mouseleave", () => show(null));
    grid.addEventListener("keydown", (event) => {
      const move = moves[event.key];
      const at = rows.findIndex((row) => row.includes(event.target));
      if (!move || at < 0) return;
      event.preventDefault();
      const next = rows[at + move[0]]?.[rows[at].indexOf(event.target) + move[1]];
      if (next) next.focus();
    });
  }
  document.addEventListener("keydown", (event) => event.key === "Escape" && show(null));
  window.addEventListener("resize", () => show(null));
  window.addEventListener("beforeprint", () => show(null));
})();
