// What stands around the charts: phase, faults, guards, alerts, runbook, chronology.
import { $, clock, el, left, moment, put, wall } from "./dom.js";

const order = ["preflight", "baseline", "inject", "revert", "recovery", "report"];
const held = new Map(); // address to the nodes of an item

// drawPanels brings everything up to date; with beat only what counts time.
export function drawPanels(m, beat) {
  if (!m.state) return;
  const now = m.elapsed();
  phase(m, now);
  m.state.faults.forEach(f => fault(f, now, m.state.run.state));
  m.state.guards.forEach(g => guard(g, m));
  if (beat) return;
  const { run, scenario: s } = m.state;
  put($("service"), [s.service, s.environment].filter(Boolean).join(", ") || "gameday");
  put($("runid"), run.id ? "run " + run.id + (run.user ? " by " + run.user : "") + (run.host ? " on " + run.host : "") : "");
  put($("title"), s.title || s.name || "Waiting for the run");
  put($("hypothesis"), s.hypothesis || "");
  document.title = (s.title || s.name || "gameday") + ": live";
  empty("faults", m.state.faults, "No fault is planned."); empty("guards", m.state.guards, "No guard watches over this run.");
  m.state.alerts.forEach(alert); m.state.steps.forEach(step);
  $("alertbox").hidden = !m.state.alerts.length; $("stepbox").hidden = !m.state.steps.length;
  drawOutcome(m);
}

function empty(id, list, text) {
  if (!list.length && !$(id).children.length) $(id).append(el("li", { class: "none" }, text));
}

// item finds or makes the place of something in its list.
function item(list, addr, title, meter) {
  let it = held.get(addr);
  if (!it) {
    const state = el("span", { class: "state" }), bar = meter ? el("i") : null, text = el("p"), more = el("p"), li = el("li", { class: "item" },
      el("div", { class: "top" }, el("h3", {}, title), state), bar && el("div", { class: "meter" }, bar), text, more);
    $(list).append(li);
    held.set(addr, it = { li, state, bar, text, more });
  }
  return it;
}

function paint(it, cls, state, text, more = "") {
  if (it.li.className !== "item " + cls) it.li.className = "item " + cls;
  put(it.state, state); put(it.text, text); put(it.more, more);
}

function phase(m, now) {
  const ps = m.state.phases, p = ps.at(-1), run = m.state.run;
  const names = { over: "the run is over", stopped: "the run stopped without an end", damaged: "the journal is damaged", awaiting: "waiting for the first entries" };
  put($("phase"), run.state === "running" ? (p ? p.name : "starting") : names[run.state]);
  if (run.state === "running" && p) {
    const gone = now - p.from;
    put($("left"), p.planned > gone ? left(p.planned - gone) + " left" + (p.name === "recovery" ? " at most" : "") : "for " + clock(gone));
  } else if (run.state !== "over") put($("left"), run.state === "stopped" ? "gameday recover puts back what is left" : "");
  const list = $("phases");
  if (!list.children.length) list.append(...order.map(n => el("li", {}, n)));
  [...list.children].forEach((li, i) => {
    const been = ps.some(x => x.name === order[i]), is = p && p.name === order[i] && run.state === "running";
    const cls = is ? "is" : been ? "was" : "";
    if (li.className !== cls) li.className = cls;
    is ? li.setAttribute("aria-current", "step") : li.removeAttribute("aria-current");
  });
}

function fault(f, now, run) {
  const it = item("faults", f.addr, f.name, true), lasts = f.until - f.active;
  const text = f.err || f.evidence || "", targets = (f.targets || []).join(", ");
  let state = f.state, share = 0;
  if (f.state === "active" && run === "running") {
    share = Math.min(1, (now - f.active) / lasts);
    state = "active, " + left(f.until - now) + (f.release === "recovered" ? " at most" : " left");
  } else if (f.state === "reverted") state = "reverted after " + clock(f.to - f.from);
  it.bar.parentNode.hidden = f.state !== "active";
  it.bar.style.width = 100 * share + "%";
  paint(it, f.state.replace(" ", "-"), state, targets && "on " + targets, f.state === "stuck" ? text + ". By hand: " + (f.byHand || []).join("; ") : text);
}

const figure = v => Math.abs(v) >= 100 ? v.toFixed(0) : Number(v.toPrecision(3)).toString();

function guard(g, m) {
  const it = item("guards", g.addr, g.name, true), n = m.guards?.find(x => x.addr === g.addr);
  const rule = "stops the run when " + g.expr + (g.for ? " for " + g.for / 1000 + " s" : "");
  if (it.li.title !== g.addr) it.li.title = g.addr;
  it.bar.parentNode.hidden = !n || n.near < 0 || !!g.tripped;
  if (g.tripped) return paint(it, "tripped", "TRIPPED at " + clock(g.tripped), rule);
  if (!n) return paint(it, "", m.state.run.state === "running" ? "not known here" : "did not trip", rule,
    m.state.run.state === "running" && m.tick && !m.guards ? "How near it is, only the page of the run itself can say (gameday run -live)." : "");
  const values = Object.entries(n.values || {}).map(([k, v]) => k + " = " + figure(v)).join(", ");
  if (!n.known) return paint(it, "", "no data yet", rule, values);
  const share = n.held && g.for ? 1 : n.near;
  it.bar.style.width = 100 * Math.max(0, share) + "%";
  const state = n.near >= 1 ? (g.for ? "true for " + (n.held / 1000).toFixed(1) + " s of " + g.for / 1000 + " s" : "true") : n.near < 0 ? "not true" : Math.round(100 * n.near) + " % of the way";
  paint(it, n.near >= .75 ? "near" : "", state, rule, values);
}

function alert(a) {
  const it = item("alerts", a.addr, a.name);
  paint(it, a.firing ? "firing" : "", !a.known ? (a.err ? "cannot be read" : "not seen yet") : a.firing ? "FIRES since " + clock(a.since) : "quiet", a.err || a.summary || "");
}

function step(s) {
  const it = item("steps", s.addr, s.title || s.name), took = s.to ? " in " + clock(s.to - s.from) : "";
  const state = { done: "done" + took, failed: "failed", running: s.type === "manual" ? "waits for a person" : "at work" }[s.state] || s.state;
  paint(it, s.state, state, s.type + (s.by ? ", by " + s.by : ""), s.err || s.answer || "");
}

export function drawOutcome(m) {
  const { run } = m.state || { run: {} }, v = m.verdict, box = $("outcome");
  let head = "", text = "", colour = "";
  if (v) { head = v.word; text = v.why; colour = { 0: "--pass", 3: "--warn" }[v.exit] || "--fail"; }
  else if (run.abort) { head = "Aborted by " + (run.abortBy === "person" ? "a person" : "the " + run.abortBy); text = run.abort + (run.state === "running" ? ". Everything is put back now." : ""); colour = "--fail"; }
  else if (run.state === "over") { head = "The run is over"; text = "It is being judged."; }
  else if (run.state === "damaged") { head = "The journal is damaged"; text = run.detail; colour = "--fail"; }
  const left = run.outstanding?.length ? " Not proven to be back: " + run.outstanding.join(", ") + "." : "";
  box.hidden = !head && !left;
  const said = head + "|" + text + left;
  if (box.dataset.said === said) return;
  box.dataset.said = said;
  box.style.setProperty("--v", colour ? "var(" + colour + ")" : "");
  box.replaceChildren(el("b", {}, head || "Something is left"), el("p", {}, text + left));
}

export async function drawReports() {
  const r = await fetch("api/reports").catch(() => null);
  if (!r?.ok) return;
  $("reports").replaceChildren(...(await r.json()).map(name => el("a", { href: "report/" + encodeURIComponent(name), target: "_blank", rel: "noopener" }, name)));
}

const most = 500;
let newest = [];

export function forgetLines() { newest = []; $("lines").replaceChildren(); }

// addLines puts new lines where their time belongs, the newest on top.
export function addLines(ls, state) {
  const list = $("lines"), began = state ? Date.parse(state.run.started) : 0;
  for (const l of ls) {
    const li = el("li", { class: "k-" + l.kind + (l.bad ? " wrong" : "") }, el("time", { class: "wall" }, wall(began + l.at)), el("time", {}, moment(l.at)),
      el("span", { class: "who" }, l.who), el("span", { class: "text" }, (l.addr ? l.addr + ": " : "") + l.text));
    let i = 0;
    while (i < newest.length && (newest[i].at > l.at || newest[i].at === l.at && newest[i].seq > l.seq)) i++;
    list.insertBefore(li, list.children[i] || null);
    newest.splice(i, 0, l);
  }
  while (newest.length > most) { newest.pop(); list.lastElementChild.remove(); }
}

export const notes = () => newest.filter(l => l.kind === "note").map(l => l.at);
