// What people do: acknowledge, note, abort. Each is sent once, and seen when it is in the journal.
import { $, el, put } from "./dom.js";

const remembered = "gameday-name";
const names = () => [$("by"), $("aborter"), ...document.querySelectorAll(".turn input.by")];

function remember(name) {
  try { localStorage.setItem(remembered, name); } catch { /* a browser that keeps nothing asks again */ }
  for (const i of names()) if (!i.value) i.value = name;
}

function recall() { try { return localStorage.getItem(remembered) || ""; } catch { return ""; } }

async function send(path, body) {
  try {
    const r = await fetch("api/" + path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    return r.ok ? "" : (await r.json()).error;
  } catch { return "There is no connection to the run."; }
}

export function connectForms(model) {
  for (const i of names()) i.value = recall();
  $("note").addEventListener("submit", async e => {
    e.preventDefault();
    const by = $("by").value.trim(), text = $("text").value.trim();
    if (!text) return put($("said"), "The note is empty.");
    remember(by);
    const refused = await send("note", { by, text });
    put($("said"), refused || "Noted.");
    if (!refused) $("text").value = "";
  });
  $("abort").addEventListener("click", () => { put($("refused"), ""); $("confirm").showModal(); });
  $("really").addEventListener("click", async () => {
    const by = $("aborter").value.trim();
    if (!by) { $("aborter").focus(); return put($("refused"), "Say who you are."); }
    remember(by);
    $("really").disabled = true;
    const refused = await send("abort", { by, text: $("why").value.trim(), sure: true });
    $("really").disabled = false;
    if (refused) return put($("refused"), refused);
    $("confirm").close();
  });
  $("span").addEventListener("click", () => {
    model.whole = !model.whole;
    $("span").setAttribute("aria-pressed", model.whole);
    put($("span"), model.whole ? "last five minutes" : "whole run");
  });
}

// pend shows what waits for a person. A form that somebody is typing in is left as it is.
export function pend(model) {
  const waiting = model.state.run.state === "running" ? model.state.steps.filter(s => s.type === "manual" && s.state === "running") : [];
  for (const old of [...$("turns").children]) if (!waiting.some(s => s.addr === old.dataset.addr)) old.remove();
  for (const s of waiting) if (![...$("turns").children].some(c => c.dataset.addr === s.addr)) $("turns").append(turn(s));
  $("span").hidden = model.state.run.state === "over"; // it is drawn whole
  $("abort").disabled = model.state.run.state !== "running" || !!model.state.run.abort;
  if ($("abort").disabled && $("confirm").open) $("confirm").close();
}

function turn(s) {
  const by = el("input", { class: "by", maxlength: 60, autocomplete: "name", required: "", id: "by-" + s.addr }),
    text = el("input", { maxlength: 1000, autocomplete: "off", id: "answer-" + s.addr }), refused = el("p", { role: "alert" });
  by.value = recall();
  const form = el("form", { class: "ctl" },
    el("div", {}, el("label", { for: by.id }, "Your name"), by),
    el("div", { class: "grow" }, el("label", { for: text.id }, "A note, if you like"), text),
    el("button", { class: "done" }, "It is done"), refused);
  form.addEventListener("submit", async e => {
    e.preventDefault();
    remember(by.value.trim());
    put(refused, await send("acknowledge", { addr: s.addr, by: by.value.trim(), text: text.value.trim() }));
  });
  const box = el("div", { class: "turn" }, el("h2", {}, el("em", {}, "Somebody's turn"), s.title || s.name), el("p", { class: "what" }, s.instruction), form);
  box.dataset.addr = s.addr;
  return box;
}
