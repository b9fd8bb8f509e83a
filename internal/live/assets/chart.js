// The curves of each SLO: the share of good answers above, latency below, faults as bands over both.
import { $, clock, el, millis, percent, put, svg } from "./dom.js";
import { notes } from "./panels.js";

const curves = {}; // by address: points [good, total, unsent, p50, p99]
let width = 1000, model, hover = null;
const recent = 5 * 60 * 1000;

export function takeCharts(t) {
  if (t.width !== width) { width = t.width; for (const k in curves) delete curves[k]; }
  for (const [addr, d] of Object.entries(t.charts)) {
    const c = curves[addr] ||= [];
    c.length = Math.min(c.length, d.from);
    c.push(...d.points);
  }
}

export function drawCharts(m) {
  model = m;
  if (!m.state || !m.state.slos.length) return;
  const box = $("charts");
  if (box.children.length !== m.state.slos.length || !box.firstElementChild.dataset.addr) box.replaceChildren(...m.state.slos.map(frame));
  m.state.slos.forEach((s, i) => draw(box.children[i], s));
}

function frame(s) {
  const chart = svg("svg", { class: "chart", role: "img" });
  const f = el("div", { class: "slo" }, el("div", { class: "top" }, el("h3", {}, s.name), el("span", { class: "soft" }), el("span", { class: "value" }), el("span", { class: "word" })), chart);
  f.dataset.addr = s.addr;
  chart.addEventListener("pointermove", e => { hover = e.clientX - chart.getBoundingClientRect().left; drawCharts(model); });
  chart.addEventListener("pointerleave", () => { hover = null; drawCharts(model); });
  return f;
}

function draw(f, s, m = model) {
  const now = model.slos[s.addr], [top, chart] = f.children, [, about, value, word] = top.children;
  f.className = "slo" + (now?.violated ? " violated" : now?.known ? "" : " unknown");
  put(about, (s.description ? s.description + "; " : "") + "target " + s.target + " %");
  put(value, now?.known ? percent(now.sli) : "");
  put(word, !now?.known ? "no answers" : now.violated ? "VIOLATED" : "holds");
  const H = m.state.slos.length > 2 ? 200 : 300, W = Math.max(280, chart.clientWidth || 600); // a few curves get more room
  const g = { l: 50, r: W - 4, t: 8, b: H * .62, lt: H * .62 + 20, lb: H - 20 };
  const end = Math.max(model.elapsed(), 10000), start = model.whole || model.state.run.state === "over" ? 0 : Math.max(0, end - recent);
  g.x = t => g.l + (g.r - g.l) * (t - start) / (end - start);
  g.y = share => g.b - (g.b - g.t) * share;
  chart.setAttribute("viewBox", `0 0 ${W} ${H}`);
  chart.style.height = H + "px";
  const parts = [], pts = points(s.addr, start, end), most = Math.max(1, ...pts.map(p => p.p99));
  g.ly = v => g.lb - (g.lb - g.lt) * v / most;
  axes(parts, g, start, end, most);
  faults(parts, g, start, end);
  parts.push(...curve(pts, g, s.target / 100), ...marks(g, start));
  parts.push(svg("line", { class: "target", x1: g.l, x2: g.r, y1: g.y(s.target / 100), y2: g.y(s.target / 100) }));
  if (hover !== null) parts.push(...readout(pts, g));
  chart.setAttribute("aria-label", s.name + ": " + (now?.known ? percent(now.sli) + " good, target " + s.target + " %" : "no answers"));
  chart.replaceChildren(...parts);
}

function points(addr, start, end) {
  const c = curves[addr] || [], out = [], open = model.state.run.state === "running" ? 1 : 0; // the last bucket still fills
  for (let i = Math.max(0, Math.ceil(start / width)); i < c.length - open && i * width < end; i++) {
    const [good, total, unsent, p50, p99] = c[i];
    if (total || unsent) out.push({ t: (i + .5) * width, from: i * width, good, total, unsent, p50, p99 });
  }
  return out;
}

function axes(parts, g, start, end, most) {
  for (const share of [0, .5, 1]) {
    parts.push(svg("line", { class: "grid", x1: g.l, x2: g.r, y1: g.y(share), y2: g.y(share) }));
    parts.push(svg("text", { x: g.l - 6, y: g.y(share) + 4, "text-anchor": "end" }, 100 * share + " %"));
  }
  parts.push(svg("line", { class: "grid", x1: g.l, x2: g.r, y1: g.lb, y2: g.lb }));
  parts.push(svg("text", { x: g.l - 6, y: g.lt + 4, "text-anchor": "end" }, millis(most)), svg("text", { x: g.l + 4, y: g.lt - 6 }, "time to answer: p99, p50"));
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200].map(s => s * 1000), step = steps.find(s => (end - start) / s * 62 <= g.r - g.l) || 14400000;
  for (let t = Math.ceil(start / step) * step; t <= end; t += step) {
    parts.push(svg("line", { class: "edge", x1: g.x(t), x2: g.x(t), y1: g.lb, y2: g.lb + 4 }));
    parts.push(svg("text", { x: g.x(t), y: g.lb + 16, "text-anchor": g.x(t) > g.r - 20 ? "end" : "middle" }, clock(t)));
  }
}

function faults(parts, g, start, end) {
  let row = 0;
  for (const f of model.state.faults) {
    if (!f.from || (f.to || end) < start) continue;
    const a = g.x(Math.max(start, f.from)), b = g.x(Math.min(end, f.to || end));
    parts.push(svg("rect", { class: "band", x: a, y: g.t, width: Math.max(1, b - a), height: g.lb - g.t }));
    if (f.from >= start) parts.push(svg("line", { class: "bandedge", x1: a, x2: a, y1: g.t, y2: g.lb }));
    const late = a > (g.l + g.r) * .7;
    parts.push(svg("text", { class: "bandname", x: late ? b - 4 : a + 4, y: g.y(.5) + 16 + 13 * row++, "text-anchor": late ? "end" : "start" }, f.name));
  }
}

// marks are the notes that people made.
function marks(g, start) {
  return notes().filter(t => t >= start).map(t => svg("path", { class: "mark", d: `M${g.x(t)} ${g.t}v${g.lb - g.t}`, stroke: "currentColor" }));
}

function curve(pts, g, target) {
  let line = "", area = "", p99 = "", p50 = "", last = -1e9, first = 0, out = [];
  const gap = Math.max(3 * width, 3000);
  const close = () => { if (line) area += `${line.slice(line.lastIndexOf("M"))}L${g.x(last)} ${g.b}L${first} ${g.b}Z`; };
  for (const p of pts) {
    const x = g.x(p.t).toFixed(1), joined = p.t - last <= gap;
    if (p.total) {
      if (!joined) { close(); first = x; }
      line += (joined && line ? "L" : "M") + x + " " + g.y(p.good / p.total).toFixed(1);
      last = p.t;
    }
    if (p.p99 >= 0) { p99 += (joined && p99 ? "L" : "M") + x + " " + g.ly(p.p99).toFixed(1); p50 += (joined && p50 ? "L" : "M") + x + " " + g.ly(p.p50).toFixed(1); }
    const w = Math.max(1, g.x(p.from + width) - g.x(p.from));
    if (p.total > p.good + 1e-9) out.push(svg("rect", { class: p.good / p.total < target ? "bad" : "some", x: g.x(p.from), y: g.b, width: w, height: 4 }));
    else if (p.unsent) out.push(svg("rect", { class: "unsent", x: g.x(p.from), y: g.b, width: w, height: 4 }));
  }
  close();
  out.unshift(svg("path", { class: "under", d: area }));
  out.push(svg("path", { class: "sli", d: line }), svg("path", { class: "lat50", d: p50 }), svg("path", { class: "lat", d: p99 }));
  return out;
}

function readout(pts, g) {
  const near = pts.reduce((best, p) => !best || Math.abs(g.x(p.t) - hover) < Math.abs(g.x(best.t) - hover) ? p : best, null);
  if (!near) return [];
  const x = g.x(near.t), right = x > (g.l + g.r) / 2;
  const text = `${clock(near.from)}  ${near.total ? percent(near.good / near.total) + " of " + Math.round(near.total) : "no answers"}` +
    (near.p99 >= 0 ? `, p50 ${millis(near.p50)}, p99 ${millis(near.p99)}` : "") + (near.unsent ? `, ${near.unsent} unsent` : "");
  return [svg("line", { class: "cursor", x1: x, x2: x, y1: g.t, y2: g.lb }), svg("text", { x: right ? x - 6 : x + 6, y: g.b - 8, "text-anchor": right ? "end" : "start" }, text)];
}
