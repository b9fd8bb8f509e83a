// The timeline that can be explored: uPlot draws the curves, and rows of bars around them share its time axis. The still
// picture, which is there without this script and on paper, shows the same.
"use strict";
const timeline = (data, stage) => {
  const LEFT = 46, RIGHT = 16, ROW = 19, ROWS = 10;
  const view = [0, data.length], plots = [], movers = [];
  const narrow = () => stage.clientWidth < 560;
  const room = () => Math.max(60, stage.clientWidth - LEFT - RIGHT);
  const px = (t) => ((t - view[0]) / (view[1] - view[0])) * room(); // from the left edge of the plots
  const timeAt = (x) => view[0] + ((x - LEFT) / room()) * (view[1] - view[0]);
  const colour = (name, alpha = "") => getComputedStyle(stage).getPropertyValue("--" + name).trim() + alpha;
  const make = (tag, className, parent, text = "") => {
    const e = document.createElement(tag);
    e.className = className;
    e.textContent = text;
    parent?.append(e);
    return e;
  };
  const sign = (d) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("viewBox", "-7 -7 14 14");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", d);
    svg.append(path);
    return svg;
  };

  // Rows of bars: phases, faults, actions, alerts, and SLOs that have no curve of their own.
  const track = (label, kind) => {
    const row = make("div", "row " + kind, stage);
    make("span", "row-label", row, label);
    return make("div", "track", row);
  };
  const textWidth = (name) => name.length * 6.1 + 12;
  const bar = (b, parent) => {
    const e = make("div", "tl-bar " + b.kind + (b.failed ? " failed" : ""), parent), name = make("span", "tl-name", parent, b.name);
    e.title = b.tip;
    if (b.soft) e.classList.add("soft-bar");
    const solid = make("i", "", e);
    return (row) => {
      const top = row * ROW, a = px(b.from), z = Math.max(px(b.to), a + 3), gone = z < 0 || a > room() || row >= ROWS;
      e.hidden = name.hidden = gone;
      if (gone) return;
      const l = Math.max(0, a), r = Math.min(room(), z), s = Math.min(r, Math.max(l, px(b.sure))), t = Math.max(s, Math.min(r, px(b.ends)));
      Object.assign(e.style, { top: top + "px", left: l + "px", width: Math.max(2, r - l) + "px" });
      Object.assign(solid.style, { left: s - l + "px", width: Math.max(b.failed && b.soft ? 0 : 2, t - s) + "px" });
      const need = textWidth(b.name), inside = t - s >= need && b.kind !== "violated";
      const right = !inside && room() - r >= need, left = !inside && !right && l >= need;
      name.hidden = !b.name || (!inside && (b.kind.startsWith("phase") || (!right && !left)));
      name.classList.toggle("in", inside);
      Object.assign(name.style, { top: top + "px", left: (inside ? s : right ? r : l - need) + "px" });
    };
  };
  const pack = (bars) => { // the first row with room for the bar and its name, when the whole run is seen
    const scale = room() / data.length, ends = [];
    return bars.map((b) => {
      const w = textWidth(b.name), fits = (b.ends - b.sure) * scale >= w;
      const lo = b.from * scale - (!fits && b.to * scale + w > room() ? w : 0), hi = Math.max(b.to * scale, b.from * scale + 3) + (fits ? 0 : w);
      let row = ends.findIndex((end) => end <= lo);
      if (row < 0) row = ends.push(0) - 1;
      ends[row] = hi + 8;
      return row;
    });
  };
  const rows = (label, kind, bars) => {
    if (!bars.length) return;
    const parent = track(label, kind), place = bars.map((b) => bar(b, parent)), note = make("span", "tl-more", parent.parentNode);
    movers.push(() => {
      const at = kind === "slo" || kind === "phases" ? bars.map(() => 0) : pack(bars), more = at.filter((row) => row >= ROWS).length;
      place.forEach((f, i) => f(at[i]));
      parent.style.height = Math.min(ROWS, Math.max(...at) + 1) * ROW + "px";
      note.textContent = more ? more + " more: see the tables" : "";
    });
  };
  const marks = (list) => {
    if (!list.length) return;
    const parent = track("notes", "marks");
    const all = list.map((m) => {
      const e = make("a", "tl-mark k-" + m.kind, parent);
      if (m.href) e.href = m.href;
      e.title = m.text;
      e.tabIndex = -1; // the list below the picture leads to the same entries
      e.setAttribute("aria-hidden", "true");
      e.append(sign(data.signs[m.kind] || data.signs.other), m.n);
      return e;
    });
    movers.push(() => {
      const ends = [-99, -99, -99, -99];
      let deepest = 0;
      list.forEach((m, i) => {
        const x = px(m.at);
        all[i].hidden = x < -1 || x > room() + 1;
        if (all[i].hidden) return;
        const free = ends.findIndex((end) => end <= x), level = free < 0 ? ends.indexOf(Math.min(...ends)) : free;
        all[i].lastChild.data = ends[level] <= x ? m.n : ""; // no room for the number
        ends[level] = x + 30;
        deepest = Math.max(deepest, level);
        Object.assign(all[i].style, { left: x - 7 + "px", top: level * 16 + "px" });
      });
      parent.style.height = Math.max(parent.offsetHeight, (deepest + 1) * 16) + "px";
    });
  };

  // Curves.
  const incrs = [.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400];
  const tick = (t) => {
    const v = +t.toFixed(3);
    if (v < 60) return v + " s";
    const p = (n) => String(Math.floor(n)).padStart(2, "0");
    return v < 3600 ? Math.floor(v / 60) + ":" + p(v % 60) + (v % 1 ? (v % 1).toFixed(3).slice(1) : "") : Math.floor(v / 3600) + ":" + p((v / 60) % 60) + " h";
  };
  const hatch = (ctx, ratio) => {
    const c = document.createElement("canvas");
    c.width = c.height = 8 * ratio;
    const p = c.getContext("2d");
    p.strokeStyle = colour("fail", "60");
    p.lineWidth = 2 * ratio;
    p.beginPath();
    for (const d of [-8, 0, 8]) { p.moveTo((d - 1) * ratio, 9 * ratio); p.lineTo((d + 9) * ratio, -ratio); }
    p.stroke();
    return ctx.createPattern(c, "repeat");
  };
  const behind = (lane, sli) => (u) => { // what stands behind the curves: faults, violations, the target
    const { ctx, bbox: b } = u, x = (t) => u.valToPos(t, "x", true), ratio = devicePixelRatio || 1;
    const box = (from, to, fill) => {
      ctx.fillStyle = fill;
      ctx.fillRect(x(from), b.top, Math.max(ratio, x(to) - x(from)), b.height);
    };
    ctx.save();
    ctx.beginPath();
    ctx.rect(b.left, b.top, b.width, b.height);
    ctx.clip();
    for (const [from, to] of data.shade) box(from, to, colour("fault", "1c"));
    if (sli) {
      for (const [from, to] of lane.bad) {
        box(from, to, colour("fail", "1c"));
        box(from, to, hatch(ctx, ratio));
        ctx.fillStyle = colour("fail");
        ctx.fillRect(x(from), b.top + b.height - 3 * ratio, Math.max(ratio, x(to) - x(from)), 3 * ratio);
      }
      ctx.strokeStyle = colour("ink", "90");
      ctx.lineWidth = ratio;
      ctx.setLineDash([5 * ratio, 4 * ratio]);
      const y = u.valToPos(lane.target, "y", true);
      ctx.beginPath();
      ctx.moveTo(b.left, y);
      ctx.lineTo(b.left + b.width, y);
      ctx.stroke();
    }
    ctx.restore();
  };
  const font = "11px " + getComputedStyle(stage).fontFamily;
  const plot = (height, values, series, y, hooks = {}, xAxis = {}) => {
    const soft = () => colour("soft"), line = { stroke: () => colour("rule"), width: 1 }, thin = { stroke: () => colour("faint"), width: 1 };
    plots.push(new uPlot({
      width: stage.clientWidth, height, padding: [7, RIGHT, y.axis ? 8 : 2, y.axis ? 0 : LEFT], hooks,
      legend: { show: false }, cursor: { show: false }, select: { show: false },
      scales: { x: { time: false, range: () => view.slice() }, y: y.scale },
      series: [{}, ...series.map((s) => ({ ...s, points: { show: false } }))], bands: y.bands,
      axes: [
        { incrs, space: () => (narrow() ? 60 : 72), size: 0, font, stroke: soft, grid: thin, ticks: { show: false }, values: (_, s) => s.map(() => ""), ...xAxis },
        { show: !!y.axis, size: LEFT, gap: 6, font, stroke: soft, grid: line, ticks: { show: false }, ...y.axis },
      ],
    }, values, make("div", "plot", stage)));
  };
  const lane = (l, many) => {
    const head = make("p", "lane-head", stage);
    make("strong", "", head, l.name);
    make("span", "", head, "target " + l.target + " %");
    const clamp = (v) => (v === null ? null : Math.max(v, l.floor));
    plot(many ? 90 : 124, [l.at, l.sli.map(clamp)], [{ stroke: () => colour("accent"), width: 1.6, fill: () => colour("accent", "1a") }],
      { scale: { range: [l.floor, 100] }, axis: { splits: () => [l.floor, (l.floor + 100) / 2, 100], values: (_, s) => s.map((v) => v + " %") } },
      { drawClear: [behind(l, true)] });
    if (!l.lat.at.length) return;
    const latency = (d) => (d < 1 ? d * 1000 + " µs" : d < 1000 ? d + " ms" : d / 1000 + " s");
    plot(many ? 62 : 84, [l.lat.at, l.lat.p99, l.lat.p50],
      [{ stroke: () => colour("accent", "c0"), width: 1 }, { stroke: () => colour("accent", "70"), width: 1 }],
      { scale: { distr: 3, range: [l.lo, l.hi] }, bands: [{ series: [1, 2], fill: () => colour("accent-soft", "c0") }], axis: { splits: () => [l.lo, l.hi], values: () => [l.lo, l.hi].map(latency) } },
      { drawClear: [behind(l, false)] });
  };

  const draw = () => {
    for (const move of movers) move();
    for (const u of plots) u.setScale("x", { min: view[0], max: view[1] });
  };
  rows("", "phases", data.phases);
  rows("faults", "faults", data.faults);
  for (const l of data.lanes) lane(l, data.lanes.length > 2);
  for (const s of data.strips) rows("", "slo", s);
  rows("actions", "actions", data.actions);
  rows("alerts", "alerts", data.alerts);
  marks(data.marks);
  plot(28, [[0, data.length], [null, null]], [{}], { scale: { range: [0, 1] } }, {}, { size: 22, values: (_, s) => s.map(tick) });
  draw();

  return {
    view, timeAt, LEFT, room, x: (t) => LEFT + px(t),
    look(from, to) {
      const span = Math.min(data.length, Math.max(to - from, data.length / 4000, .02));
      view[0] = Math.max(0, Math.min(from, data.length - span));
      view[1] = view[0] + span;
      draw();
    },
    resize() {
      for (const u of plots) u.setSize({ width: stage.clientWidth, height: u.height });
      draw();
    },
    repaint() { for (const u of plots) u.redraw(); },
  };
};
