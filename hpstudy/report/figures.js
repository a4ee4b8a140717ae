"use strict";
// Draws interactive figures with plotly and switches parts of them.
const Figures = (() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const touch = matchMedia("(pointer: coarse)").matches;
  const figures = [];

  const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const parts = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v / 255 <= 0.04045 ? v / 3294.6 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };

  // A color of the report on the page: black is the text color of the page, other colors are lightened on a dark background.
  const visible = (color) => {
    const alpha = color.slice(7);
    if (color.slice(0, 7) === "#000000") return variable("--ink") + alpha;
    if (color.slice(0, 7) === "#ffffff") return variable("--paper") + alpha;
    if (!dark.matches) return color;
    const paper = luminance(parts(variable("--paper")));
    let rgb = parts(color);
    while ((luminance(rgb) + 0.05) / (paper + 0.05) < 4.5) rgb = rgb.map((v) => Math.ceil(v + (255 - v) * 0.12));
    return "#" + rgb.map((v) => v.toString(16).padStart(2, "0")).join("") + alpha;
  };

  const colored = (value, key) => {
    if (Array.isArray(value)) return value.map((part) => colored(part, key));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, colored(part, name)]));
    }
    return /color$/.test(key) && typeof value === "string" && /^#[0-9a-f]{6,8}$/i.test(value) ? visible(value) : value;
  };

  const axis = (given) => ({
    automargin: true,
    gridcolor: variable("--rule"),
    linecolor: variable("--faint"),
    tickcolor: variable("--faint"),
    zerolinecolor: variable("--ink"),
    zerolinewidth: 1,
    ...given,
    title: { standoff: 10, ...given.title },
  });

  // The words of a title in lines that fit a width in pixels.
  const wrapped = (title, width) => title.split(" ").reduce((lines, word) => {
    const longer = [...lines.slice(-1), word].join(" ");
    return longer.length * 7.5 < width ? [...lines.slice(0, -1), longer] : [...lines, word];
  }, []);

  // A title is below the buttons of plotly, which would cover its end.
  const layout = (panel, title) => ({
    autosize: true,
    margin: { l: 56, r: 12, t: 38 + 18 * (title.length + panel.annotations.some((one) => one.y >= 1)), b: 44 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: variable("--ink") },
    title: { text: title.join("<br>"), font: { size: 14 }, x: 0.01, xanchor: "left", y: 1, yanchor: "top",
             pad: { t: title.length > 1 ? 42 : 32 } },  // plotly puts the base of the first of several lines there
    showlegend: false,
    barmode: "overlay",
    uirevision: "kept",
    modebar: { bgcolor: "rgba(0,0,0,0)", color: variable("--faint"), activecolor: variable("--ink") },
    hovermode: "closest",
    hoverlabel: { bgcolor: variable("--paper"), bordercolor: variable("--faint"), align: "left",
                  font: { color: variable("--ink"), size: 13 } },
    dragmode: touch ? false : "zoom",
    xaxis: axis(colored(panel.x)),
    yaxis: axis(colored(panel.y)),
    annotations: colored(panel.annotations).map((one) => ({ font: { color: variable("--faint") }, ...one })),
  });

  const settings = {
    responsive: true,
    displaylogo: false,
    showTips: false,
    showSendToCloud: false,
    showEditInChartStudio: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
  };

  const traces = (figure, panel) => colored(panel.data).map((trace) => ({
    hoverlabel: { namelength: -1 }, ...trace, visible: trace.meta.every((group) => !figure.off.has(group)),
  }));

  const ROW_PX = 18, AROUND_PX = 120;  // of a line of text, and of what is above and below the rows

  // A panel of many rows is as high as their names need.
  const makeRoom = (figure) => figure.panels.forEach((panel, at) => {
    const height = AROUND_PX + ROW_PX * (panel.y.ticktext || []).length;
    figure.places[at].style.minHeight = `${height}px`;
  });

  const draw = (figure, changed) => Promise.all(figure.panels.map((panel, at) => {
    const title = panel.title ? wrapped(panel.title, figure.places[at].clientWidth) : [];
    return changed && !changed[at] ? null : Plotly.react(figure.places[at], traces(figure, panel), layout(panel, title), settings);
  }));

  const paint = (figure) => {
    for (const button of figure.element.querySelectorAll("button.entry")) {
      button.firstElementChild.style.color = visible(button.dataset.color);
    }
  };

  const toggle = (figure, button) => {
    const group = Number(button.dataset.group);
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    if (on) figure.off.delete(group); else figure.off.add(group);
    figure.panels.forEach((panel, at) => Plotly.restyle(figure.places[at], {
      visible: panel.data.map((trace) => trace.meta.every((one) => !figure.off.has(one))),
    }));
  };

  const reset = (figure) => figure.panels.forEach((panel, at) => Plotly.relayout(figure.places[at], {
    "xaxis.range": panel.x.range && [...panel.x.range], "xaxis.autorange": !panel.x.range,
    "yaxis.range": panel.y.range && [...panel.y.range], "yaxis.autorange": !panel.y.range,
  }));

  // Draw the panels of a figure element. Returns the figure, or null if plotly cannot draw it.
  const start = async (element, panels) => {
    const live = element.querySelector(".live");
    const figure = { element, panels, off: new Set(), places: [...element.querySelectorAll(".panel")] };
    live.hidden = false;
    try {
      paint(figure);
      makeRoom(figure);
      await draw(figure);
    } catch (error) {
      live.hidden = true;  // the static drawing remains
      console.error(error);
      return null;
    }
    element.classList.add("drawn");
    for (const button of element.querySelectorAll("button.entry")) {
      button.addEventListener("click", () => toggle(figure, button));
    }
    element.querySelector("button.reset").addEventListener("click", () => reset(figure));
    figures.push(figure);
    return figure;
  };

  // Replace the panels of a figure. Hidden entries stay hidden, and the zoom is kept.
  const update = (figure, panels) => {
    const changed = panels.map((panel, at) => JSON.stringify(panel) !== JSON.stringify(figure.panels[at]));
    figure.panels = panels;
    makeRoom(figure);
    return draw(figure, changed);
  };

  const stop = (figure) => {
    figures.splice(figures.indexOf(figure), 1);
    figure.places.forEach((place) => Plotly.purge(place));
  };

  dark.addEventListener("change", () => figures.forEach((figure) => { paint(figure); draw(figure); }));
  return { start, update, stop };
})();
