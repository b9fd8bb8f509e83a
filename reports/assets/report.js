// A cursor over the timeline: time, indicator and latency under the pointer, by mouse, touch or arrow keys.
// The page says everything without it.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("curves").textContent);
  const board = document.querySelector(".board");
  const readout = document.querySelector(".readout");
  if (!board || !readout || !data.length) return;
  let at = null;

  const offset = (s) => {
    const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60, r = (s % 60).toFixed(2).padStart(5, "0");
    return h ? `${h}:${String(m).padStart(2, "0")}:${r}` : `${m}:${r}`;
  };
  const ms = (v) => (v >= 1000 ? (v / 1000).toFixed(2) + " s" : v >= 10 ? v.toFixed(0) + " ms" : v.toFixed(1) + " ms");
  const before = (list, v) => {
    let lo = 0, hi = list.length;
    while (lo < hi) { const mid = (lo + hi) >> 1; if (list[mid] <= v) lo = mid + 1; else hi = mid; }
    return lo - 1;
  };
  const chart = () => [...board.querySelectorAll(".chart")].find((c) => c.getBoundingClientRect().width > 0);

  const words = (t) => {
    const lines = [offset(t) + (data.wall ? "  " + new Date(Date.parse(data.wall) + t * 1000).toISOString().slice(11, 21) + " UTC" : "")];
    for (const c of data.curves) {
      const i = before(c.at || [], t);
      if (i < 0) continue;
      let line = c.name + "  " + (c.sli[i] === null ? "no samples" : c.sli[i] + " %");
      if (c.p99[i] > 0) line += `, p50 ${ms(c.p50[i])}, p99 ${ms(c.p99[i])}`;
      lines.push(line);
    }
    for (const [name, from, to] of data.spans) if (t >= from && t <= to) lines.push("▪ " + name);
    return lines.join("\n");
  };
  const show = (t) => {
    const svg = chart();
    if (!svg) return;
    at = Math.min(data.length, Math.max(0, t));
    const x0 = +svg.dataset.x0, x1 = +svg.dataset.x1, x = x0 + (at / data.length) * (x1 - x0);
    svg.querySelector(".cursor").setAttribute("d", `M${x.toFixed(1)} 20V${svg.dataset.bottom}`);
    readout.textContent = words(at);
    readout.hidden = false;
    const box = svg.getBoundingClientRect(), px = (x / svg.viewBox.baseVal.width) * box.width, w = readout.offsetWidth;
    readout.style.left = Math.max(0, px + 12 + w > box.width ? px - 12 - w : px + 12) + "px";
    readout.style.top = "32px";
    slider.setAttribute("aria-valuenow", at.toFixed(1));
    slider.setAttribute("aria-valuetext", readout.textContent.replaceAll("\n", ". "));
  };
  const hide = () => {
    readout.hidden = true;
    for (const c of board.querySelectorAll(".cursor")) c.setAttribute("d", "");
  };

  // A slider of its own over the board: the pictures below keep their titles for screen readers.
  const slider = document.createElement("div");
  slider.className = "scrub";
  slider.tabIndex = 0;
  board.append(slider);
  for (const [k, v] of Object.entries({ role: "slider", "aria-label": "Cursor on the timeline", "aria-valuemin": "0", "aria-valuemax": data.length.toFixed(1), "aria-valuenow": "0" })) slider.setAttribute(k, v);
  board.addEventListener("pointermove", (e) => {
    const svg = chart(), box = svg.getBoundingClientRect();
    const x = ((e.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    if (x < svg.dataset.x0 - 4) hide();
    else show(((x - svg.dataset.x0) / (svg.dataset.x1 - svg.dataset.x0)) * data.length);
  });
  board.addEventListener("pointerleave", hide);
  slider.addEventListener("blur", hide);
  slider.addEventListener("keydown", (e) => {
    const step = data.length / (e.shiftKey ? 20 : 200), t = at ?? 0;
    const to = { ArrowLeft: t - step, ArrowRight: t + step, Home: 0, End: data.length }[e.key];
    if (e.key === "Escape") hide();
    if (to === undefined) return;
    e.preventDefault();
    show(to);
  });
})();
