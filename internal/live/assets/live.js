// The page is a view of what the server says: a state when it changes, a tick each second, lines of the chronology.
import { $, clock, put, wall } from "./dom.js";
import { connectForms, pend } from "./act.js";
import { drawCharts, takeCharts } from "./chart.js";
import { drawPanels, addLines, forgetLines, drawReports, drawOutcome } from "./panels.js";

const model = { state: null, tick: null, slos: {}, guards: null, verdict: null, offset: 0, role: "", lost: 0 };

// elapsed goes on between two ticks.
model.elapsed = () => {
  if (!model.state || !model.tick) return 0;
  return model.state.run.state === "running" ? model.tick.elapsed + performance.now() - model.offset : model.state.run.elapsed;
};

async function enter() {
  const token = location.hash.slice(1);
  if (token) {
    history.replaceState(null, "", location.pathname); // the link must not stay in view, nor in the history
    const r = await fetch("api/session", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token }) });
    if (!r.ok) return banner((await r.json()).error);
  }
  listen();
}

function banner(text) { $("banner").hidden = !text; put($("banner"), text || ""); }

function listen() {
  const source = new EventSource("api/stream");
  const on = (name, f) => source.addEventListener(name, e => { f(JSON.parse(e.data)); });
  on("you", role => {
    model.role = role;
    document.body.classList.toggle("control", role === "control");
    put($("role"), role === "control" ? "with control" : "read only");
  });
  on("begin", () => { model.lost = 0; banner(""); forgetLines(); });
  on("state", s => {
    const before = model.state;
    model.state = s;
    announce(before, s);
    drawPanels(model); pend(model); drawCharts(model);
  });
  on("tick", t => {
    model.tick = t; model.offset = performance.now();
    Object.assign(model.slos, t.slos); model.guards = t.guards || null;
    takeCharts(t); drawCharts(model); drawPanels(model);
  });
  on("lines", ls => addLines(ls, model.state));
  on("verdict", v => { model.verdict = v; drawOutcome(model); drawReports(model); });
  source.onerror = () => {
    if (model.verdict || over()) { // the page of a run ends with the run
      source.close();
      drawOutcome(model);
      return put($("left"), model.verdict ? "the page has closed with the run" : "");
    }
    if (!model.lost) model.lost = Date.now();
    banner(source.readyState === EventSource.CLOSED
      ? (model.state ? "This page was sent away. Open it again with your link." : "Open this page with the link that was given to you.")
      : "No connection since " + wall(model.lost) + ". What stands here is from then.");
  };
}

const over = () => model.state && model.state.run.state !== "running" && model.state.run.state !== "awaiting";

function announce(before, s) {
  if (!before) return;
  const was = before.phases.at(-1)?.name, is = s.phases.at(-1)?.name;
  if (s.run.abort && !before.run.abort) put($("news"), "The run is aborted: " + s.run.abort);
  else if (is && is !== was) put($("news"), "Phase " + is);
}

function beat() {
  const s = model.state;
  if (!s) return;
  const now = model.elapsed();
  put($("clock"), clock(now));
  put($("wall"), (s.run.state === "running" ? wall(Date.parse(s.run.started) + now) + ", " : "") + "begun at " + wall(Date.parse(s.run.started)));
  drawPanels(model, true);
}

connectForms(model);
setInterval(beat, 250);
enter().catch(e => banner("The page could not be opened: " + e.message));
