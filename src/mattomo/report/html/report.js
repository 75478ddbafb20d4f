"use strict";
(() => {
  const details = JSON.parse(document.getElementById("details").textContent);
  const popup = document.getElementById("popup");
  const sorts = [];
  let open = null;

  const { make } = draw;

  const fill = (cell) => {
    const rule = [...document.querySelectorAll("input[name=rule]")].findIndex((input) => input.checked);
    const lines = [
      make("p", `${cellPage.texts[cell.added]} → ${cellPage.texts[cell.target]}`, "title"),
      make("p", `${cellPage.texts[cell.where]}: ${cell.change}`),
    ];
    if (cell.bits) lines.push(make("p", cell.bits));
    lines.push(make("p", cellPage.texts[cell.rules[rule]], "quiet"));
    popup.replaceChildren(...lines, cellPage.dots(cell), cellPage.seeds(cell));
  };

  let chosen = null;
  const choose = (td, go) => {
    if (chosen) chosen.classList.remove("chosen");
    chosen = td;
    td.classList.add("chosen");
    cellPage.show(details[td.dataset.cell]);
    if (!go) return;
    show(null);
    cellPage.page.scrollIntoView({ block: "nearest" });
    if (go === "focus") cellPage.page.focus({ preventScroll: true });
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
    const body = grid.tBodies[0];
    const planned = [...body.rows];
    const cells = planned.flatMap((row) => [...row.querySelectorAll("td")]);
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
    grid.addEventListener("click", (event) => {
      const td = event.target.closest("td[data-cell]");
      if (td) choose(td, "view");
    });
    grid.addEventListener("keydown", (event) => {
      const rows = [...body.rows].map((row) => [...row.querySelectorAll("td")]);
      const move = moves[event.key];
      if ((event.key === "Enter" || event.key === " ") && event.target.dataset.cell) {
        event.preventDefault();
        choose(event.target, "focus");
        return;
      }
      const at = rows.findIndex((row) => row.includes(event.target));
      if (!move || at < 0) return;
      event.preventDefault();
      const next = rows[at + move[0]]?.[rows[at].indexOf(event.target) + move[1]];
      if (next) next.focus();
    });
    sorts.push((order, bits) => {
      const worth = (row) => {
        const known = [...row.querySelectorAll("td[data-cell]:not(.diagonal, .det)")]
          .map((td) => details[td.dataset.cell])
          .map((cell) => (bits ? cell.value : cell.mean === null ? null : -cell.mean))
          .filter((value) => value !== null && value !== undefined);
        return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : -Infinity;
      };
      const rows = planned.map((row, index) => ({ row, index, name: row.cells[0].textContent.trim(), worth: order === "strength" ? worth(row) : 0 }));
      if (order === "strength") rows.sort((a, b) => b.worth - a.worth || a.index - b.index);
      if (order === "name") rows.sort((a, b) => a.name.localeCompare(b.name));
      body.append(...rows.map(({ row }) => row));
    });
  }
  const sort = () => {
    const order = document.querySelector("input[name=order]:checked");
    const bits = document.getElementById("measure-bits");
    for (const each of sorts) each(order.value, Boolean(bits && bits.checked));
  };
  for (const input of document.querySelectorAll("input[name=order], input[name=measure]")) input.addEventListener("change", sort);
  for (const fieldset of document.querySelectorAll("fieldset.order")) fieldset.hidden = false;
  const first = cellPage.page && document.querySelector(`td[data-cell="${cellPage.page.dataset.first}"]`);
  if (first) choose(first, "");
  document.addEventListener("keydown", (event) => event.key === "Escape" && show(null));
  window.addEventListener("resize", () => show(null));
  window.addEventListener("beforeprint", () => show(null));
})();
