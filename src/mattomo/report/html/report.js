"use strict";
(() => {
  const popup = document.getElementById("popup");
  const sorts = [];
  let open = null;

  const { make } = draw;

  const fill = (index) => {
    const cell = cellPage.whole(index);
    const rule = [...document.querySelectorAll("input[name=rule]")].findIndex((input) => input.checked);
    const lines = [
      make("p", `${cell.added} → ${cell.target}`, "title"),
      make("p", `${cell.where}: ${cell.change}`),
    ];
    if (cell.bits) lines.push(make("p", cell.bits));
    lines.push(make("p", cell.rules[rule], "quiet"));
    popup.replaceChildren(...lines, cellPage.dots(cell), cellPage.seeds(cell));
  };

  let chosen = null;
  const choose = (td, go) => {
    if (chosen) chosen.classList.remove("chosen");
    chosen = td;
    td.classList.add("chosen");
    cellPage.show(td.dataset.cell);
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
    fill(td.dataset.cell);
    const at = td.getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    const left = Math.min(Math.max(8, at.left + at.width / 2 - popup.offsetWidth / 2), width - popup.offsetWidth - 8);
    const below = at.bottom + 8 + popup.offsetHeight < window.innerHeight;
    popup.style.left = `${left + window.scrollX}px`;
    popup.style.top = `${(below ? at.bottom + 8 : Math.max(4, at.top - popup.offsetHeight - 8)) + window.scrollY}px`;
  };

  const rank = (th) => Number(th.dataset.rank);
  const group = (...spans) => {
    const line = make("tr", undefined, "kinds");
    for (const [kind, width, scope] of spans) {
      const th = make("th", kind);
      Object.assign(th, { colSpan: width, scope });
      th.dataset.kind = kind;
      line.append(th);
    }
    return line;
  };
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  for (const grid of document.querySelectorAll("table.heat")) {
    const body = grid.tBodies[0];
    const heading = grid.tHead.rows[0];
    const planned = [...body.rows];
    const columns = [heading, ...planned].map((row) => ({ row, cells: [...row.cells] }));
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
      const rows = [...body.rows].map((row) => [...row.querySelectorAll("td")]).filter((row) => row.length);
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
          .map((td) => embedded.cells[td.dataset.cell])
          .map((cell) => (bits ? cell.value : cell.mean === null ? null : -cell.mean))
          .filter((value) => value !== null && value !== undefined);
        return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : -Infinity;
      };
      const rows = planned.map((row, index) => ({ row, index, name: row.cells[0].textContent.trim(), worth: order === "strength" ? worth(row) : 0 }));
      if (order === "strength") rows.sort((a, b) => b.worth - a.worth || a.index - b.index);
      if (order === "name") rows.sort((a, b) => a.name.localeCompare(b.name));
      const kinds = order === "kind";
      if (kinds) rows.sort((a, b) => rank(a.row.cells[0]) - rank(b.row.cells[0]) || a.index - b.index);
      const lines = [];
      for (const { row } of rows) {
        const kind = row.cells[0].dataset.kind;
        if (kinds && kind !== lines.at(-1)?.cells[0].dataset.kind) lines.push(group([kind, columns[0].cells.length, "rowgroup"]));
        lines.push(row);
      }
      body.replaceChildren(...lines);
      arrange(kinds);
    });
    // Columns stand by their kind, with a line of headings, or as planned.
    let arranged = false;
    const arrange = (kinds) => {
      if (kinds === arranged) return;
      arranged = kinds;
      const titles = columns[0].cells.slice(1);
      const sequence = titles.map((_, i) => i + 1);
      if (kinds) sequence.sort((a, b) => rank(titles[a - 1]) - rank(titles[b - 1]) || a - b);
      for (const { row, cells } of columns) row.append(cells[0], ...sequence.map((i) => cells[i]));
      if (!kinds) return void grid.tHead.replaceChildren(heading);
      const spans = [];
      for (const i of sequence) {
        const { kind } = titles[i - 1].dataset;
        if (spans.at(-1)?.[0] === kind) spans.at(-1)[1] += 1;
        else spans.push([kind, 1, "colgroup"]);
      }
      const line = group(...spans);
      line.prepend(make("td", undefined, "corner"));
      grid.tHead.prepend(line);
    };
  }
  const sort = () => {
    const order = document.querySelector("input[name=order]:checked");
    const bits = document.getElementById("measure-bits");
    for (const each of sorts) each(order.value, Boolean(bits && bits.checked));
  };
  for (const input of document.querySelectorAll("input[name=order], input[name=measure]")) input.addEventListener("change", sort);
  for (const fieldset of document.querySelectorAll("fieldset.order")) fieldset.hidden = false;
  const cellOf = (index) => document.querySelector(`td[data-cell="${index}"]`);
  const follow = () => {
    const linked = /^#cell-(\d+)$/.exec(location.hash);
    const td = linked && cellOf(linked[1]);
    if (td) choose(td, "view");
    return td;
  };
  if (cellPage.page && !follow()) {
    const first = cellOf(cellPage.page.dataset.first);
    if (first) choose(first, "");
  }
  window.addEventListener("hashchange", follow);
  document.addEventListener("keydown", (event) => event.key === "Escape" && show(null));
  window.addEventListener("resize", () => show(null));
  window.addEventListener("beforeprint", () => show(null));
})();
