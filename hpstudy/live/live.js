"use strict";
// Keeps a page up to date: fetches the parts that have changed and redraws nothing else.
(() => {
  const wanted = new Map();   // digest of each part, as the server has it
  const shown = new Map();    // and as the page shows it
  const drawn = new Map();    // figures by the name of their part
  const places = { failures: "failures-now", workers: "workers-now", events: "events-now" };
  let busy = false;

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

  // Replace the contents of an element; what had the focus, or was scrolled, stays so.
  const fill = (element, html) => {
    const active = document.activeElement, name = element.contains(active) ? active.getAttribute("aria-label") : null;
    const scrolled = [...element.querySelectorAll(".table")].map((table) => table.scrollLeft);
    element.innerHTML = html;
    localTimes(element);
    element.querySelectorAll(".table").forEach((table, at) => { table.scrollLeft = scrolled[at] || 0; });
    if (name) [...element.querySelectorAll("[aria-label]")].find((one) => one.getAttribute("aria-label") === name)?.focus({ preventScroll: true });
  };

  // The element of a figure. Figures of a section stand in the order of their numbers.
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

  const showFigure = async (name, section, part) => {
    let known = drawn.get(name);
    if (!known) {
      known = { element: figureElement(name, section), frame: "", figure: null };
      drawn.set(name, known);
    }
    known.element.querySelector("figcaption").innerHTML = part.caption;
    if (known.figure && known.frame === part.frame) {
      await Figures.update(known.figure, part.panels);
    } else if (known.frame !== part.frame) {
      const entries = (pressed) => [...known.element.querySelectorAll(`button.entry${pressed}`)];
      const off = entries('[aria-pressed="false"]').map((entry) => entry.textContent);
      if (known.figure) Figures.stop(known.figure);
      known.element.querySelector(".frame").innerHTML = part.frame;
      known.frame = part.frame;
      known.figure = await Figures.start(known.element, part.panels);
      entries("").filter((entry) => off.includes(entry.textContent)).forEach((entry) => entry.click());
      if (known.figure && part.views.length) known.figure.places.forEach((place) => place.on("plotly_click", (event) => open(event, part.views)));
    }
  };

  // A click on a point opens its trial, which its hover text names.
  const open = ({ points: [point] }, views) => {
    const told = /replicate ([\d,]+), trial ([\d,]+)/.exec(point.text || "");
    const view = views[point.data.meta[0]];
    if (told && view) inspect(view, Number(told[1].replaceAll(",", "")), Number(told[2].replaceAll(",", "")));
  };

  const showTrial = async () => {
    const form = document.getElementById("inspect"), place = document.getElementById("trial");
    const answer = await fetch("trial?" + new URLSearchParams(new FormData(form)));
    const part = answer.ok ? await answer.json() : { html: '<p class="warning">The trial cannot be shown.</p>' };
    if (drawn.has("trial-0")) dropFigure("trial-0");
    fill(place, part.html);
    if (part.figure) await showFigure("trial-0", place, part.figure);
    document.body.dataset.trial = ["view", "replicate", "number"].map((key) => form.elements[key].value).join("/");
  };

  const inspect = async (view, replicate, number) => {
    const form = document.getElementById("inspect");
    Object.entries({ view, replicate, number }).forEach(([key, value]) => { form.elements[key].value = value; });
    await showTrial();
    document.getElementById("trial").focus({ preventScroll: true });
    form.scrollIntoView();
  };

  const dropFigure = (name) => {
    const known = drawn.get(name);
    if (known.figure) Figures.stop(known.figure);
    known.element.remove();
    drawn.delete(name);
  };

  const show = async (name, part) => {
    if (part.panels) await showFigure(name, document.getElementById(name.split("-")[0]), part);
    else {
      const element = document.getElementById(places[name] || name);
      if (element) fill(element, part.html);
    }
  };

  // The share of trials that have ended, in the title: a reader sees it in the tab of a hidden page.
  const title = document.title;
  const titled = () => {
    const bar = document.querySelector("#status progress");
    document.title = bar && bar.value < bar.max ? `${Math.floor(100 * bar.value / bar.max)}% ${title}` : title;
  };

  // Fetch what has changed, one part after the other; a hidden page waits until it is seen, but for its title.
  const refresh = async () => {
    if (busy) return;
    busy = true;
    try {
      for (;;) {
        const next = [...wanted].find(([name, digest]) => shown.get(name) !== digest && (!document.hidden || name === "status"));
        if (!next) break;
        const [name, digest] = next;
        const answer = await fetch("part/" + encodeURIComponent(name));
        if (answer.ok) await show(name, await answer.json());
        if (name === "status") titled();
        shown.set(name, digest);
      }
      for (const name of [...shown.keys()].filter((one) => !wanted.has(one))) {
        shown.delete(name);
        if (drawn.has(name)) dropFigure(name);
        else document.getElementById(places[name] || name)?.replaceChildren();
      }
      document.body.dataset.shown = String(Number(document.body.dataset.shown || 0) + 1);
    } catch (error) {
      console.info(error);  // the server is gone, which the connection says; the next news tries again
    } finally {
      busy = false;
    }
  };

  const connection = document.getElementById("connection");
  const source = new EventSource("events");
  source.onmessage = (message) => {
    wanted.clear();
    for (const [name, digest] of Object.entries(JSON.parse(message.data))) wanted.set(name, digest);
    refresh();
  };
  source.onopen = () => { document.body.classList.remove("lost"); connection.textContent = "Connected."; };
  source.onerror = () => {
    document.body.classList.add("lost");
    connection.textContent = "No connection: `hpstudy serve` has ended. The page shows the last state.";
  };
  document.addEventListener("visibilitychange", refresh);

  const form = document.getElementById("inspect");
  if (!form) return;
  form.addEventListener("submit", (event) => { event.preventDefault(); showTrial(); });
  document.addEventListener("click", ({ target }) => {
    const data = target.closest("button.trial")?.dataset;
    if (data) inspect(data.view, data.replicate, data.number);
  });
})();
