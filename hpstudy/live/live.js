"use strict";
// Keeps a page up to date: fetches the parts that have changed and redraws nothing else.
(() => {
  const latest = new Map();    // digest of each part on the server
  const shown = new Map();     // digest of each part on the page
  const figures = new Map();   // figures by the name of their part
  const targets = { failures: "failures-now", workers: "workers-now", events: "events-now" };  // IDs that differ from the part's name
  const SILENCE_MS = 45000;    // three keepalives of the server (KEEPALIVE_S in app.py)
  let refreshing = false;

  const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const day = new Intl.DateTimeFormat([], { dateStyle: "medium" });

  const localTimes = (element) => {
    const today = day.format(new Date());
    for (const time of element.querySelectorAll("time")) {
      const at = new Date(time.dateTime);
      time.textContent = (day.format(at) === today ? "" : day.format(at) + ", ") + clock.format(at);
      time.title = time.dateTime;
    }
  };

  // Replace the contents of an element, but keep the focus and the scroll positions of tables.
  const fill = (element, html) => {
    const active = document.activeElement, label = element.contains(active) ? active.getAttribute("aria-label") : null;
    const scrolled = [...element.querySelectorAll(".table")].map((table) => table.scrollLeft);
    element.innerHTML = html;
    localTimes(element);
    element.querySelectorAll(".table").forEach((table, index) => { table.scrollLeft = scrolled[index] || 0; });
    if (label) [...element.querySelectorAll("[aria-label]")].find((other) => other.getAttribute("aria-label") === label)?.focus({ preventScroll: true });
  };

  const target = (name) => document.getElementById(Object.hasOwn(targets, name) ? targets[name] : name);

  // Create the element of a figure. The figures of a section are ordered by number.
  const figureElement = (name, section) => {
    const element = document.createElement("figure");
    element.className = "interactive";
    element.id = name;
    element.innerHTML = '<div class="frame"></div><figcaption></figcaption>';
    const number = Number(name.split("-").pop());
    const next = [...section.querySelectorAll("figure")].find((other) => Number(other.id.split("-").pop()) > number);
    section.insertBefore(element, next || null);
    return element;
  };

  // Draw a figure, or update its panels. A new frame replaces the whole figure; entries that were switched off stay off.
  const showFigure = async (name, section, part) => {
    let entry = figures.get(name);
    if (!entry) {
      entry = { element: figureElement(name, section), frame: "", figure: null };
      figures.set(name, entry);
    }
    entry.element.querySelector("figcaption").innerHTML = part.caption;
    if (entry.figure && entry.frame === part.frame) {
      await Figures.update(entry.figure, part.panels);
      return;
    }
    const buttons = (selector) => [...entry.element.querySelectorAll(`button.entry${selector}`)];
    const off = buttons('[aria-pressed="false"]').map((button) => button.textContent);
    if (entry.figure) Figures.stop(entry.figure);
    entry.figure = null;
    entry.element.classList.remove("drawn");
    entry.element.querySelector(".frame").innerHTML = part.frame;
    entry.frame = part.frame;
    const figure = await Figures.start(entry.element, part.panels);
    if (!figure) return;
    if (figures.get(name) !== entry) {  // the figure was dropped meanwhile
      Figures.stop(figure);
      return;
    }
    entry.figure = figure;
    buttons("").filter((button) => off.includes(button.textContent)).forEach((button) => button.click());
    if (part.views.length) figure.places.forEach((place) => place.on("plotly_click", (event) => showClicked(event, part.views)));
  };

  const dropFigure = (name) => {
    const entry = figures.get(name);
    figures.delete(name);
    if (entry.figure) Figures.stop(entry.figure);
    entry.element.remove();
  };

  // Show the trial of a clicked point, which its hover text names.
  const showClicked = ({ points: [point] }, views) => {
    const numbers = /replicate ([\d,]+), trial ([\d,]+)/.exec(point.text || "");
    const view = views[point.data.meta[0]];
    if (numbers && view) showTrial(view, Number(numbers[1].replaceAll(",", "")), Number(numbers[2].replaceAll(",", "")));
  };

  let requests = 0;

  // Fetch and show a trial. Of several requests the last one counts, in any order of the answers.
  const loadTrial = async (query) => {
    const request = ++requests, place = document.getElementById("trial");
    let part = { html: '<p class="warning">The trial cannot be shown.</p>' };
    try {
      const response = await fetch("trial?" + query);
      if (response.ok) part = await response.json();
    } catch (error) {
      console.info(error);
      part.html = '<p class="warning">The trial cannot be shown: no connection to `hpstudy serve`.</p>';
    }
    if (request !== requests) return;
    if (figures.has("trial-0")) dropFigure("trial-0");
    fill(place, part.html);
    if (part.figure) await showFigure("trial-0", place, part.figure);
    if (request === requests) document.body.dataset.trial = ["view", "replicate", "number"].map((key) => query.get(key)).join("/");
  };

  const showTrial = async (view, replicate, number) => {
    const form = document.getElementById("inspect"), place = document.getElementById("trial");
    const views = form.elements.view;
    if (![...views.options].some((option) => option.value === view)) views.add(new Option(view));  // the study has grown
    Object.entries({ view, replicate, number }).forEach(([key, value]) => { form.elements[key].value = value; });
    await loadTrial(new URLSearchParams({ view, replicate, number }));
    place.focus({ preventScroll: true });
    form.scrollIntoView();
  };

  const show = async (name, part) => {
    if (part.panels) await showFigure(name, document.getElementById(name.split("-")[0]), part);
    else if (target(name)) fill(target(name), part.html);
  };

  // Put the share of finished trials in the title, so that it can be seen in the tab of a hidden page.
  const title = document.title;
  const updateTitle = () => {
    const bar = document.querySelector("#status progress");
    document.title = bar && bar.value < bar.max ? `${Math.floor(100 * bar.value / bar.max)}% ${title}` : title;
  };

  // Fetch and show the changed parts, one after the other. A hidden page waits until it is visible, except for its title.
  // A part that fails is tried again after the next event, at the latest after the next keepalive.
  const refresh = async () => {
    if (refreshing) return;
    refreshing = true;
    const failed = new Set();
    for (;;) {
      const next = [...latest].find(([name, digest]) =>
        shown.get(name) !== digest && !failed.has(name) && (!document.hidden || name === "status"));
      if (!next) break;
      const [name, digest] = next;
      try {
        const response = await fetch("part/" + encodeURIComponent(name));
        if (response.ok) await show(name, await response.json());
        if (name === "status") updateTitle();
        shown.set(name, digest);
      } catch (error) {
        console.info(error);
        failed.add(name);
      }
    }
    for (const name of [...shown.keys()].filter((name) => !latest.has(name))) {
      shown.delete(name);
      if (figures.has(name)) dropFigure(name);
      else target(name)?.replaceChildren();
    }
    if (shown.has("answer")) document.querySelectorAll(".waiting[data-read]").forEach((place) => {
      place.textContent = place.dataset.read;
      place.classList.remove("waiting");
    });
    document.body.dataset.shown = String(Number(document.body.dataset.shown || 0) + 1);
    refreshing = false;
  };

  // The stream of digests. A browser reconnects after most errors, but not after a refusal or when a tunnel hangs.
  const connection = document.getElementById("connection");
  let source = null, lastEvent = 0;
  const connect = () => {
    source?.close();
    lastEvent = Date.now();
    source = new EventSource("events");
    source.onmessage = (message) => {
      lastEvent = Date.now();
      latest.clear();
      for (const [name, digest] of Object.entries(JSON.parse(message.data))) latest.set(name, digest);
      refresh();
    };
    source.onopen = () => { document.body.classList.remove("lost"); connection.textContent = "Connected."; };
    source.onerror = showLost;
  };
  const showLost = () => {
    document.body.classList.add("lost");
    connection.textContent = "No connection to `hpstudy serve`. The page shows the last state and tries to reconnect.";
  };
  const reconnect = () => {
    if (Date.now() - lastEvent < SILENCE_MS) return;
    showLost();
    connect();
  };
  connect();
  setInterval(reconnect, SILENCE_MS / 9);
  document.addEventListener("visibilitychange", () => { reconnect(); refresh(); });

  const form = document.getElementById("inspect");
  if (!form) return;
  form.addEventListener("submit", (event) => { event.preventDefault(); loadTrial(new URLSearchParams(new FormData(form))); });
  document.addEventListener("click", (event) => {
    const data = event.target.closest("button.trial")?.dataset;
    if (data) showTrial(data.view, data.replicate, data.number);
  });
})();
