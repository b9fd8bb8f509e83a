// Small helpers. Text only ever becomes a text node: nothing that a run says is taken for markup.
export const $ = id => document.getElementById(id);

export function el(tag, attrs = {}, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attrs)) if (v !== undefined && v !== null && v !== false) k === "class" ? e.className = v : e.setAttribute(k, v);
  for (const c of children) if (c !== undefined && c !== null && c !== "") e.append(c);
  return e;
}

export function svg(tag, attrs = {}, text) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [k, v] of Object.entries(attrs)) e.setAttribute(k, v);
  if (text !== undefined) e.textContent = text;
  return e;
}

// put changes a text only when it is another one, so that what is read aloud is not read again.
export function put(node, text) { if (node.textContent !== text) node.textContent = text; }

const two = n => String(n).padStart(2, "0");

// clock writes milliseconds as 3:07 or 1:03:07.
export function clock(ms) {
  const s = Math.max(0, Math.floor(ms / 1000)), h = Math.floor(s / 3600);
  return (h ? h + ":" + two(Math.floor(s / 60) % 60) : Math.floor(s / 60)) + ":" + two(s % 60);
}

// moment is clock with tenths: things happen fast.
export const moment = ms => clock(ms) + "." + Math.floor(ms % 1000 / 100);

// left is a countdown: it says 0:01 until the last moment.
export const left = ms => clock(Math.ceil(Math.max(0, ms) / 1000) * 1000);

export function wall(ms) {
  const d = new Date(ms);
  return two(d.getHours()) + ":" + two(d.getMinutes()) + ":" + two(d.getSeconds());
}

export function percent(share) {
  const p = 100 * share;
  return (p === 100 || p === 0 ? p.toFixed(0) : p > 99.99 ? "99.99" : p.toFixed(2)) + " %";
}

export function millis(v) { return v < 0 ? "" : v >= 1000 ? (v / 1000).toFixed(2) + " s" : v >= 10 ? v.toFixed(0) + " ms" : v.toFixed(1) + " ms"; }
