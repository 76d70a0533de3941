"use strict";
// A person's seat. What others wrote reaches the document as text nodes only.
(() => {
  const key = new URLSearchParams(location.search).get("key");
  const base = location.pathname.replace(/\/$/, "");
  const at = (id) => document.getElementById(id);
  const POLL_MS = 400;
  let version = -1;

  function draw(state) {
    at("title").textContent = `Seat ${state.seat} · ${state.task}`;
    const number = Math.min(state.played + 1, state.episodes);
    const turn = state.over ? "All are played. Thank you." : state.asked ? "It is your turn." : "Waiting for the others.";
    at("progress").textContent = `Episode ${number} of ${state.episodes}. ${turn}`;
    at("log").replaceChildren(...state.log.map(({ kind, text }) => {
      const box = document.createElement("div");
      box.className = kind;
      box.textContent = text;
      return box;
    }));
    at("send").disabled = !state.asked;
    if (state.asked) { at("text").focus(); at("form").scrollIntoView({ block: "nearest" }); }
    version = state.version;
  }

  async function poll() {
    try {
      const answer = await fetch(`${base}/state?key=${encodeURIComponent(key)}`);
      const state = await answer.json();
      if (state.version !== version || state.over) draw(state);
      if (state.over) return;
    } catch {
      at("progress").textContent = "The server cannot be reached.";
    }
    setTimeout(poll, POLL_MS);
  }

  async function send(event) {
    event.preventDefault();
    const text = at("text").value;
    if (at("send").disabled || !text.trim()) return;
    at("send").disabled = true;
    const sent = await fetch(`${base}/say?key=${encodeURIComponent(key)}`, { method: "POST", body: JSON.stringify({ text, version }) });
    if (sent.ok) at("text").value = "";
  }

  at("form").addEventListener("submit", send);
  at("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(event);
  });
  poll();
})();
