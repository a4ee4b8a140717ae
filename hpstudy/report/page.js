"use strict";
// The script of a report page: starts the figures and makes the tables sortable.
(() => {
  const comparable = (cell) => {
    const content = cell.textContent.trim();
    const number = /^[−+-]?[\d,]*\.?\d+(e[−+-]?\d+)?/i.exec(content.replace(/^[<>≥≤=]+\s*/, ""));
    return number ? Number(number[0].replaceAll(",", "").replaceAll("−", "-")) : content;
  };

  const sort = (table, at, up) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row, index) => [row.cells[at] ? comparable(row.cells[at]) : "", index, row]);
    rows.sort(([a, i], [b, j]) => {
      const numbers = typeof a === "number", others = typeof b === "number";
      if (numbers !== others) return numbers ? -1 : 1;
      const order = numbers ? a - b : a.localeCompare(b);
      return (up ? order : -order) || i - j;
    });
    body.append(...rows.map((row) => row[2]));
  };

  const sortable = (table) => {
    if (table.tBodies[0].rows.length < 3) return;
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.title = "Sort by this column";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        sort(table, at, up);
      });
    });
  };

  document.querySelectorAll(".table table").forEach(sortable);
  if (typeof Plotly !== "undefined") {
    for (const element of document.querySelectorAll("figure.interactive")) {
      Figures.start(element, JSON.parse(document.getElementById(element.id + "-data").textContent).panels);
    }
  }
})();
