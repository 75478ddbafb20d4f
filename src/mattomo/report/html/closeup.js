"use strict";
// The chosen cell close up: learning curves, predictions against truth, elements, symmetry, materials.
const closeUp = (() => {
  const { groups, periodic, texts } = embedded;
  const { make, svg, table, block, number, shown, ticks } = draw;
  const known = (values) => values.filter((value) => value !== null);
  const per = (unit) => (unit ? ` / ${unit}` : "");
  const inUnit = (unit) => (unit ? `, errors in ${unit}` : "");
  const sides = ["without", "with"];

  const legend = () => {
    const found = make("p", undefined, "legend");
    for (const side of sides) {
      const key = make("span", `${side} the property`);
      key.className = `side ${side}`;
      found.append(key, " ");
    }
    return found;
  };

  const axes = (add, box, x, y, xTicks, yTicks) => {
    add("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom });
    add("line", { class: "axis", x1: box.left, x2: box.left, y1: box.top, y2: box.bottom });
    for (const value of xTicks) add("text", { class: "tick", x: x(value), y: box.bottom + 13, "text-anchor": "middle" }, shown(value));
    for (const value of yTicks) add("text", { class: "tick", x: box.left - 4, y: y(value) + 3.5, "text-anchor": "end" }, shown(value));
  };

  const curves = (group, close, unit) => {
    const [epochs, base] = group.curves;
    const lines = { without: base, with: close.curves };
    const best = { without: group.best, with: close.best };
    const lowest = sides.map((side) => best[side].map((each) => each[1]));
    const all = known([...base, ...close.curves].flat());
    const [low, top] = [Math.min(...all, ...lowest.flat()), Math.max(...all)];
    // The first epochs may lie far above what matters.
    const high = Math.min(top, 2.2 * Math.max(...lowest.flat())) || 1;
    const box = { left: 48, right: 374, top: 8, bottom: 182 };
    const last = Math.max(2, epochs[epochs.length - 1]);
    const floor = low - 0.05 * (high - low || high || 1);
    const x = (epoch) => box.left + ((box.right - box.left) * Math.log(epoch)) / Math.log(last);
    const y = (value) => box.bottom - ((box.bottom - box.top) * (value - floor)) / (high - floor || 1);
    const said = sides.map((side, i) => `${side} the property the lowest is ${lowest[i].map(shown).join(", ")}`);
    const [found, add] = svg(382, 216, "plot", `Validation error${per(unit)} while training, one line a seed: ${said.join("; ")}`);
    const decades = [1, 10, 100, 1000, 10000].filter((value) => value <= last);
    axes(add, box, x, y, decades, ticks(floor, high));
    add("text", { class: "tick", x: (box.left + box.right) / 2, y: 212, "text-anchor": "middle" }, group.steps);
    for (const side of sides) {
      for (const line of lines[side]) {
        let path = "";
        line.forEach((value, i) => {
          if (value !== null && value <= high) path += `${path ? "L" : "M"}${x(epochs[i]).toFixed(1)} ${y(value).toFixed(1)}`;
        });
        add("path", { class: `line ${side}`, d: path });
      }
      for (const [epoch, value] of best[side]) add("circle", { class: `best ${side}`, cx: x(epoch), cy: y(value), r: 2.6 });
    }
    const note = make("p", `Lowest (dots) decides which model is kept.${high < top ? " The first epochs lie above the plot." : ""}`, "quiet small");
    return block(`Validation error${per(unit)} while training, one line a seed`, legend(), found, note);
  };

  const parity = (group, close, unit) => {
    const [truth, base] = group.parity;
    const predicted = { without: base, with: close.parity };
    const all = known([...truth, ...base, ...close.parity]);
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const pad = 0.04 * (high - low || 1);
    const [found, add] = svg(392, 216, "plot", `Predicted against true${per(unit)} on ${truth.length} of ${group.rows} test rows, without and with the property`);
    sides.forEach((side, i) => {
      const box = { left: 46 + 182 * i, right: 204 + 182 * i, top: 22, bottom: 180 };
      const x = (value) => box.left + ((box.right - box.left) * (value - low + pad)) / (high - low + 2 * pad);
      const y = (value) => box.bottom - ((box.bottom - box.top) * (value - low + pad)) / (high - low + 2 * pad);
      axes(add, box, x, y, ticks(low, high, 3), i ? [] : ticks(low, high, 3));
      add("line", { class: "same", x1: x(low), y1: y(low), x2: x(high), y2: y(high) });
      predicted[side].forEach((value, k) => {
        if (value !== null && truth[k] !== null) add("circle", { class: `point ${side}`, cx: x(truth[k]).toFixed(1), cy: y(value).toFixed(1), r: 2.3 });
      });
      add("text", { class: `label ${side}`, x: (box.left + box.right) / 2, y: 13, "text-anchor": "middle" }, side);
      add("text", { class: "tick", x: (box.left + box.right) / 2, y: 210, "text-anchor": "middle" }, `true${per(unit)}`);
    });
    const of = String(truth.length) === group.rows ? `all ${group.rows} test rows` : `${truth.length} of ${group.rows} test rows of all seeds, evenly spaced in the rank of the true value`;
    return block(`Predicted against true${per(unit)}`, found, make("p", `${of[0].toUpperCase()}${of.slice(1)}.`, "quiet small"));
  };

  // Rows of a kind: name, materials, MAE0, change as read, its number, and whether it is clear of zero.
  const rows = (group, close, kind) => {
    const [names, counts, errors] = group.kinds[kind];
    const changes = close.kinds[kind].split(" ");
    return names.map((name, i) => ({
      name, n: counts[i], error: errors[i], change: changes[i].replace("*", ""), value: number(changes[i]), clear: changes[i].endsWith("*"),
    }));
  };

  const reach = (found) => {
    const sizes = found.map((row) => Math.abs(row.value)).sort((a, b) => a - b);
    return sizes[Math.floor(0.9 * (sizes.length - 1))] || sizes[sizes.length - 1] || 1;
  };

  const bar = (row, limit) => {
    const [found, add] = svg(90, 12, "bar-change");
    const width = (44 * Math.min(1, Math.abs(row.value) / limit)).toFixed(1);
    add("line", { class: "axis", x1: 45, x2: 45, y1: 0, y2: 12 });
    add("rect", { class: row.value > 0 ? "rise" : "fall", x: row.value > 0 ? 45 : 45 - width, width, y: 2, height: 8 });
    return found;
  };

  const grouped = (title, found, unit) => {
    const limit = Math.max(...found.map((row) => Math.abs(row.value))) || 1;
    const lines = found.map((row) => {
      const change = row.clear ? make("b", row.change) : row.change;
      return [row.name, row.n, row.error, change, bar(row, limit)];
    });
    return block(title + inUnit(unit), table(["", "materials", "error", "change", ""], lines, "bars"));
  };

  const elements = (found, unit) => {
    const by = new Map(found.map((row) => [row.name, row]));
    const limit = reach(found);
    const order = [...found].sort((a, b) => a.value - b.value);
    const ends = order.length > 6 ? [...order.slice(0, 3), ...order.slice(-3)] : order;
    const [drawn, add] = svg(18 * 26, 9.5 * 26, "periodic", `Periodic table, change of the error${per(unit)} by element; lowest and highest: ${ends.map((row) => `${row.name} ${row.change}`).join(", ")}`);
    for (const [symbol, column, line] of periodic) {
      const row = by.get(symbol);
      const [x, y] = [26 * column + 1, 26 * (line > 7 ? line - 0.5 : line) + 1];
      const said = row ? `${symbol}: ${row.n} materials, error ${row.error} ${unit}, change ${row.change}` : `${symbol}: fewer than five tested materials`;
      const strength = row ? Math.round(100 * Math.min(1, Math.abs(row.value) / limit)) : 0;
      const side = row ? `el ${row.value > 0 ? "rise" : "fall"}${row.clear ? " clear" : ""}` : "el none";
      add("rect", { class: side, style: `--a:${strength}%`, x, y, width: 24, height: 24, rx: 3 }, undefined, said);
      add("text", { class: row ? (strength > 78 ? "deep" : strength > 60 ? "mid" : "") : "none", x: x + 12, y: y + 16, "text-anchor": "middle" }, symbol);
    }
    const details = make("details");
    const lines = order.map((row) => [row.name, row.n, row.error, row.clear ? make("b", row.change) : row.change]);
    details.append(make("summary", `${found.length} elements as a table, most helped first`), table(["element", "materials", "error", "change"], lines));
    const note = make("p", `Mean change of the absolute error over the tested materials that hold the element. Blue: it falls; red: it rises; full at ±${shown(limit)}. Framed or bold: more than two standard errors from zero, as 1 in 20 is by chance.`, "quiet small");
    const made = block(`By element${inUnit(unit)}`, drawn, note, details);
    made.className = "wide";
    return made;
  };

  const materials = (title, list, unit) => {
    const name = (text) => {
      const found = make("bdi", texts[text], "id");
      found.title = texts[text];
      return found;
    };
    const lines = list.map(([id, formula, ...rest]) => {
      const both = make("span", undefined, "material");
      both.append(name(id), name(formula));
      return [both, ...rest];
    });
    return block(title + inUnit(unit), table(["material", "without", "with", "change", "seeds"], lines, "materials"));
  };

  // Blocks for the page of a cell; none where nothing is known.
  return (cell) => {
    const close = cell.close;
    if (!close) return [];
    const group = groups[close.group];
    const { unit } = cell;
    const found = [];
    if (close.curves && group.curves) found.push(curves(group, close, unit));
    found.push(parity(group, close, unit));
    const [byElement, bySystem, byPolymorphs] = [0, 1, 2].map((kind) => rows(group, close, kind));
    if (byElement.length) found.push(elements(byElement, unit));
    const beside = make("div", undefined, "stack");
    if (bySystem.length) beside.append(grouped("By crystal system", bySystem, unit));
    if (byPolymorphs.length) beside.append(grouped("By number of materials of the formula", byPolymorphs, unit));
    if (beside.children.length) found.push(beside);
    const ends = make("div", undefined, "ends");
    if (close.helped.length) ends.append(materials(`Most helped of ${group.materials} tested materials`, close.helped, unit));
    if (close.hurt.length) ends.append(materials(`Most hurt of ${group.materials} tested materials`, close.hurt, unit));
    if (ends.children.length) found.push(ends);
    return found;
  };
})();
