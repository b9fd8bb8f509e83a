// Exploring the timeline: a cursor that reads out values, and zoom, by mouse, touch, buttons or keys. The page says
// everything without it.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("curves").textContent);
  const board = document.querySelector(".board"), live = document.querySelector(".live");
  if (!board || !live || !data.length || !window.uPlot) return;
  const stage = live.querySelector(".stage"), readout = live.querySelector(".readout"), line = live.querySelector(".cursor-line");
  const chosen = live.querySelector(".chosen"), slider = live.querySelector(".scrub"), range = live.querySelector(".range");
  board.classList.add("explored");
  live.hidden = false;
  const t = timeline(data, stage);
  let at = null;

  const offset = (s) => {
    const ms = Math.round(s * 1000), h = Math.floor(ms / 3600000), m = Math.floor(ms / 60000) % 60, r = ((ms % 60000) / 1000).toFixed(2).padStart(5, "0");
    return h ? `${h}:${String(m).padStart(2, "0")}:${r}` : `${m}:${r}`;
  };
  const ms = (v) => (v >= 1000 ? (v / 1000).toFixed(2) + " s" : v >= 10 ? v.toFixed(0) + " ms" : v.toFixed(1) + " ms");
  const before = (list, v) => {
    let lo = 0, hi = list.length;
    while (lo < hi) { const mid = (lo + hi) >> 1; if (list[mid] <= v) lo = mid + 1; else hi = mid; }
    return lo - 1;
  };
  const words = (s) => {
    const lines = [offset(s) + (data.wall ? "  " + new Date(Date.parse(data.wall) + s * 1000).toISOString().slice(11, 21) + " UTC" : "")];
    for (const l of data.lanes) {
      const i = before(l.at, s), j = Math.max(0, before(l.lat.at.map((v) => v - l.width / 2), s));
      if (i < 0) continue;
      let text = l.name + "  " + (l.sli[i] === null ? "no samples" : l.sli[i] + " %");
      if (l.lat.at.length) text += `, p50 ${ms(l.lat.p50[j])}, p99 ${ms(l.lat.p99[j])}`;
      lines.push(text);
    }
    for (const b of [...data.faults, ...data.actions, ...data.alerts]) if (s >= b.from && s <= b.to) lines.push("▪ " + b.name);
    return lines.join("\n");
  };
  const show = (s) => {
    at = Math.min(t.view[1], Math.max(t.view[0], s));
    const x = t.x(at);
    line.hidden = readout.hidden = false;
    line.style.left = x + "px";
    readout.textContent = words(at);
    const w = readout.offsetWidth, all = stage.clientWidth;
    readout.style.left = Math.max(0, x + 12 + w > all ? x - 12 - w : x + 12) + "px";
    slider.setAttribute("aria-valuenow", at.toFixed(1));
    slider.setAttribute("aria-valuetext", readout.textContent.replaceAll("\n", ". "));
  };
  const hide = () => { line.hidden = readout.hidden = true; };
  const look = (from, to) => {
    t.look(from, to);
    range.textContent = t.view[1] - t.view[0] >= data.length ? "the whole run" : `${offset(t.view[0])} to ${offset(t.view[1])}`;
    if (at !== null && !line.hidden) show(at);
  };
  const zoom = (by, around = at ?? (t.view[0] + t.view[1]) / 2) => {
    const p = Math.min(t.view[1], Math.max(t.view[0], around));
    look(p - (p - t.view[0]) * by, p + (t.view[1] - p) * by);
  };
  const pan = (share) => { const d = (t.view[1] - t.view[0]) * share; look(t.view[0] + d, t.view[1] + d); };
  const acts = {
    in: () => zoom(.5), out: () => zoom(2), left: () => pan(-.5), right: () => pan(.5),
    fault: () => data.focus && look(...data.focus), all: () => look(0, data.length),
  };
  for (const b of live.querySelectorAll("button[data-do]")) b.addEventListener("click", acts[b.dataset.do]);
  const faultButton = live.querySelector("[data-do=fault]");
  faultButton.hidden = !data.focus;

  // Keys.
  for (const [k, v] of Object.entries({ "aria-valuemin": "0", "aria-valuemax": data.length.toFixed(1), "aria-valuenow": "0" })) slider.setAttribute(k, v);
  slider.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const step = (t.view[1] - t.view[0]) / (e.shiftKey ? 20 : 200), from = at ?? t.view[0];
    const go = (s) => () => { if (s < t.view[0] || s > t.view[1]) pan(s < from ? -.5 : .5); show(Math.min(data.length, Math.max(0, s))); };
    const act = {
      ArrowLeft: go(from - step), ArrowRight: go(from + step), Home: go(t.view[0]), End: go(t.view[1]), PageUp: acts.left, PageDown: acts.right,
      "+": acts.in, "=": acts.in, "-": acts.out, "0": acts.all, f: acts.fault, Escape: hide,
    }[e.key];
    if (!act) return;
    e.preventDefault();
    act();
  });
  slider.addEventListener("blur", hide);
  slider.addEventListener("focus", () => slider.matches(":focus-visible") && show(at ?? t.view[0]));

  // Pointers: one moves the cursor, a mouse that is dragged chooses what to zoom into, two fingers zoom.
  const fingers = new Map();
  const xOf = (e) => e.clientX - stage.getBoundingClientRect().left;
  let drag = null, pinch = null;
  stage.addEventListener("pointerdown", (e) => {
    if (e.pointerType === "touch") {
      fingers.set(e.pointerId, xOf(e));
      pinch = fingers.size === 2 ? [...fingers.values()].map(t.timeAt) : null;
    } else if (e.button === 0 && xOf(e) >= t.LEFT - 4 && !e.target.closest("a")) {
      drag = xOf(e);
      stage.setPointerCapture(e.pointerId);
      e.preventDefault();
    }
  });
  stage.addEventListener("pointermove", (e) => {
    const x = xOf(e);
    if (fingers.has(e.pointerId)) fingers.set(e.pointerId, x);
    if (pinch && fingers.size === 2) {
      const [a, b] = [...fingers.values()], scale = (pinch[1] - pinch[0]) / (b - a);
      if (Number.isFinite(scale) && scale > 0) { const from = pinch[0] - (a - t.LEFT) * scale; look(from, from + t.room() * scale); }
      return;
    }
    if (drag !== null && Math.abs(x - drag) > 4) {
      chosen.hidden = false;
      chosen.style.left = Math.max(t.LEFT, Math.min(x, drag)) + "px";
      chosen.style.width = Math.abs(Math.max(t.LEFT, x) - drag) + "px";
    }
    if (x < t.LEFT - 4 && drag === null) hide();
    else show(t.timeAt(x));
  });
  const up = (e) => {
    fingers.delete(e.pointerId);
    if (fingers.size < 2) pinch = null;
    if (drag !== null && e.type === "pointerup" && Math.abs(xOf(e) - drag) > 4) {
      const [a, b] = [t.timeAt(drag), t.timeAt(xOf(e))].sort((p, q) => p - q);
      look(Math.max(t.view[0], a), Math.min(t.view[1], b));
    }
    drag = null;
    chosen.hidden = true;
  };
  for (const kind of ["pointerup", "pointercancel"]) stage.addEventListener(kind, up);
  stage.addEventListener("pointerleave", () => drag === null && document.activeElement !== slider && hide());
  stage.addEventListener("dblclick", acts.all);
  stage.addEventListener("wheel", (e) => {
    if (!e.ctrlKey && !e.metaKey) return; // a page that scrolls must go on scrolling
    e.preventDefault();
    zoom(e.deltaY > 0 ? 1.25 : .8, t.timeAt(xOf(e)));
  }, { passive: false });

  let width = stage.clientWidth;
  new ResizeObserver(() => {
    if (stage.clientWidth === width || !stage.clientWidth) return; // hidden on paper
    width = stage.clientWidth;
    t.resize();
    hide();
  }).observe(stage);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => t.repaint());
})();
