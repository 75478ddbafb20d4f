"use strict";
// The data of the page; elements, tables and drawings that the other scripts share.
const embedded = JSON.parse(document.getElementById("embedded").textContent);
const draw = (() => {
  const ns = "http://www.w3.org/2000/svg";

  const make = (tag, text, className) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };

  // An SVG and a function that adds marks to it; without a label it is decoration.
  const svg = (width, height, className, label) => {
    const found = document.createElementNS(ns, "svg");
    found.setAttribute("class", className);
    if (width) found.setAttribute("viewBox", `0 0 ${width} ${height}`);
    if (label) {
      found.setAttribute("role", "img");
      found.setAttribute("aria-label", label);
    } else found.setAttribute("aria-hidden", "true");
    const add = (tag, attributes, text, title) => {
      const mark = document.createElementNS(ns, tag);
      for (const [key, value] of Object.entries(attributes)) mark.setAttribute(key, value);
      if (text !== undefined) mark.textContent = text;
      if (title) {
        const said = document.createElementNS(ns, "title");
        said.textContent = title;
        mark.append(said);
      }
      found.append(mark);
    };
    return [found, add];
  };

  const table = (titles, rows, className) => {
    const found = make("table", undefined, className);
    const head = make("tr");
    for (const title of titles) {
      const th = make("th", title);
      th.scope = "col";
      head.append(th);
    }
    found.append(head);
    for (const values of rows) {
      const row = make("tr");
      for (const value of values) {
        const td = make("td");
        td.append(value);
        row.append(td);
      }
      found.append(row);
    }
    return found;
  };

  const block = (title, ...content) => {
    const found = make("div");
    found.append(make("h4", title), ...content);
    return found;
  };

  // The number that a text of the page shows.
  const number = (text) => Number(text.replaceAll("−", "-").replaceAll(",", "").replace("*", ""));

  const shown = (value) => String(Number(value.toPrecision(6))).replace("-", "−");

  // A few round values between two ends.
  const ticks = (low, high, most = 4) => {
    const rough = (high - low) / most;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
    const found = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) found.push(i * step);
    return found;
  };

  return { make, svg, table, block, number, shown, ticks };
})();
