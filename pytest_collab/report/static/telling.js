"use strict";
// Events of an episode in words: one line on a button, a row of the dialogue, the data behind it.
// It builds nodes with the tools that it is given; it parses no markup.
// eslint-disable-next-line no-unused-vars
function makeTelling({ h, small, short, line }) {
  // What became of answers that are no whole answers, by their `stop`.
  const BROKEN = { refusal: "refused", filter: "taken out by a filter", length: "cut off at its length limit" };
  const LONG = 1400; // characters from which on a text is shown in part
  const LINES = 14;
  const HEAD = 500; // so much of its beginning is shown then, and so much around what proves a failure
  const AROUND = 160;
  const QUOTE = 120; // characters of a quote on a button

  const said = (value) => (typeof value === "string" ? value : JSON.stringify(value));

  // What an event says, in the text that the marks of proofs count characters in.
  const textOf = ({ data }) => (typeof data.text === "string" ? data.text : data.words || data.why || "");

  function gist(event) {
    const { data } = event;
    const who = event.seat ? `${event.seat}: ` : "";
    if (event.kind === "memory" && data.words) return who + data.words;
    if (typeof data.text === "string") return who + (data.text.trim().split(/\s+/).join(" ") || "(empty)");
    if ("action" in data) return `${who}${data.words || `does ${said(data.action)}`}`;
    if (event.kind === "tool_call") return `${who}uses ${data.words || data.name}`;
    if (data.why) return `${who}cannot be understood: ${data.why}`;
    return who + ((event.kind === "grade" && line(data)) || event.kind);
  }

  // What proves a failure, with what stands around it: [before, proof, after].
  function quote(event, spans) {
    const text = textOf(event);
    if (!spans || !spans.length || text.length <= QUOTE && spans.length > 1) return [short(gist(event), QUOTE), "", ""];
    const from = spans[0][0];
    const to = spans.filter(([, end]) => end - from <= QUOTE).map(([, end]) => end).pop() || Math.min(spans[0][1], from + QUOTE);
    const starts = [...text.slice(0, from).matchAll(/[.!?]\s+|\n/g)].map((m) => m.index + m[0].length);
    let left = starts.length ? starts[starts.length - 1] : 0;
    if (from - left > 60) left = text.lastIndexOf(" ", from - 40) + 1 || from;
    const stop = text.slice(to).search(/[.!?](\s|$)|\n/);
    let right = stop >= 0 && stop < 60 ? to + stop + 1 : Math.min(text.length, to + 40);
    if (right < text.length && stop !== right - to - 1) right = Math.max(to, text.lastIndexOf(" ", right));
    const flat = (part) => part.replace(/\s+/g, " ");
    return [`${event.seat ? `${event.seat}: ` : ""}${left > 0 ? "… " : ""}${flat(text.slice(left, from))}`, flat(text.slice(from, to)), `${flat(text.slice(to, right)).trimEnd()}${right < text.length ? " …" : ""}`];
  }

  // A text with its proofs marked; a long one in part, until it is asked for.
  function marked(text, spans = []) {
    const long = text.length > LONG || text.split("\n").length > LINES;
    if (!long) return between(text, spans, 0, text.length);
    const lines = text.split("\n").slice(0, LINES).join("\n").length;
    const parts = [[0, Math.min(HEAD, lines)]];
    for (const [from, to] of spans.slice(0, 12)) {
      const last = parts[parts.length - 1];
      if (from - AROUND <= last[1]) last[1] = Math.max(last[1], Math.min(text.length, to + AROUND));
      else parts.push([from - AROUND, Math.min(text.length, to + AROUND)]);
    }
    const box = h("span", {});
    const gap = (n) => small(` [… ${n.toLocaleString("en")} characters …] `);
    parts.forEach(([from, to], i) => {
      if (i) box.append(gap(from - parts[i - 1][1]));
      box.append(...between(text, spans, from, to));
    });
    const end = parts[parts.length - 1][1];
    if (end < text.length) box.append(gap(text.length - end));
    const all = h("button.more", { type: "button", onclick: () => { box.replaceChildren(...between(text, spans, 0, text.length)); all.remove(); } }, `Show all ${text.length.toLocaleString("en")} characters`);
    return [box, " ", all];
  }

  function between(text, spans, from, to) {
    const nodes = [];
    let at = from;
    for (const [start, end] of spans) {
      if (end <= at || start >= to) continue;
      nodes.push(h("span", {}, text.slice(at, Math.max(at, start))), h("mark", {}, text.slice(Math.max(at, start), Math.min(end, to))));
      at = Math.min(end, to);
    }
    nodes.push(h("span", {}, text.slice(at, to)));
    return nodes;
  }

  function row(event, codes, spans) {
    const { data } = event;
    const lost = Object.entries(data.dropped || {}).map(([seat, why]) => `${seat} (${why})`).join(", ");
    const raw = (shown, whole) => fold(shown, () => value(whole));
    let what;
    if (event.kind === "message") {
      what = [h("span.kind", {}, data.delivered && data.delivered.length ? `to ${data.delivered.join(", ")}: ` : "says: "), data.text ? marked(data.text, spans) : "(empty)", lost ? [" ", h("span.lost", {}, `not delivered to ${lost}`)] : null];
    } else if (event.kind === "memory") what = data.text ? [h("span.kind", {}, `into the memory, ${data.topic}/${data.name}: `), marked(data.text, spans), data.over ? [" ", h("span.kind", {}, `in the place of ${data.over.seat}'s: ${data.over.text}`)] : null] : data.words;
    else if (event.kind === "action") what = data.words ? [marked(data.words, spans)] : [h("span.kind", {}, "does "), said(data.action)];
    else if (event.kind === "malformed") what = [h("span.kind", {}, "cannot be understood: "), data.why];
    else if (event.kind === "reply") what = [h("span.kind", {}, "answers: "), data.text ? marked(data.text, spans) : "(empty)", BROKEN[data.stop] ? [" ", h("span.lost", {}, `${BROKEN[data.stop]} (stop: ${data.stop})`)] : null, data.reasoning ? fold("its reasoning", () => h("pre", {}, data.reasoning)) : null];
    else if (event.kind === "seated") what = [h("span.kind", {}, "is now played by "), data.agent];
    else if (event.kind === "prompt" || event.kind === "brief") what = fold(event.kind === "brief" ? "what it was told at the start" : "what it was told", () => h("pre", {}, data.text === undefined ? "(not kept)" : data.text));
    else if (event.kind === "tool_call") what = [h("span.kind", {}, "uses "), raw(data.words || `${data.name}: ${short(said(data.arguments), 100)}`, data.arguments)];
    else if (event.kind === "tool_result") what = [h("span.kind", {}, data.is_error ? "gets an error: " : "gets: "), raw(short(String(data.text).trim().split("\n")[0] || "(nothing)", 100), data.text)];
    else if (event.kind === "activity") what = [h("span.kind", {}, `${{ plan: "plans", permission: data.granted ? "is permitted" : "is refused" }[data.what] || "by itself"}: `), raw(short(data.title ? `${data.title}${data.status ? ` (${data.status})` : ""}` : said(data), 100), data)];
    else if (event.kind === "grade") what = [h("span.kind", {}, "graded "), raw(line(data) || short(said(data), 100), data)];
    else if (event.kind === "limit" || event.kind === "error") what = [h("span.kind", {}, `${event.kind}: `), data.text];
    else if (event.kind === "failed_call") what = [h("span.kind", {}, "an answer never came: "), raw(`${data.model || "the agent"}, turn ${data.turn + 1}`, data)];
    else what = [h("span.kind", {}, `${event.kind.replaceAll("_", " ")} `), raw(short(said(data), 100), data)];
    return h(codes ? "div.event.evidence" : "div.event", { id: `e${event.seq}`, tabindex: codes ? -1 : null },
      h("span.who", {}, event.seat || ""),
      h("span.what", { dir: "auto" }, pins(codes), what),
      h("span.seq", { title: `${event.t} s` }, `#${event.seq}`));
  }

  const pins = (codes) => (codes ? h("span.pins", {}, `⚑ proves ${[...new Set(codes)].join(", ")}`) : null);

  // An answer whose messages and actions stand beneath it: what it says is not said twice.
  function whole(event, codes) {
    return h("div.event.evidence", { id: `e${event.seq}`, tabindex: -1 }, h("span.who", {}, event.seat || ""),
      h("span.what", {}, h("span.pins", {}, `⚑ the answer as a whole proves ${[...new Set(codes)].join(", ")}`)),
      h("span.seq", {}, `#${event.seq}`));
  }

  function fold(title, make) {
    const node = h("details", {}, h("summary", {}, title));
    node.addEventListener("toggle", () => { if (node.open && node.children.length === 1) node.append(make()); });
    return node;
  }

  // Grades of any family: diffs, conflict regions and test output are recognised by their looks.

  function value(data) {
    if (data === null || data === undefined) return small("none");
    if (typeof data === "string") return data.includes("\n") ? code(data) : h("span", {}, data || "(empty)");
    if (typeof data !== "object") return h("span", {}, String(data));
    if (Array.isArray(data) && data.every((item) => typeof item !== "object" || item === null)) return h("span", {}, data.map(String).join(", ") || "(none)");
    const flat = Object.entries(data).filter(([, v]) => !(typeof v === "string" && v.includes("\n")));
    const long = Object.entries(data).filter(([, v]) => typeof v === "string" && v.includes("\n"));
    return h("div", {}, flat.length ? h("table.evidence-table", {}, h("tbody", {}, flat.map(([key, v]) => h("tr", {}, h("th", { scope: "row" }, key.replaceAll("_", " ")), h("td", {}, value(v)))))) : null,
      long.map(([key, v]) => h("details", { open: /^(diff|@@|<<<<<<<)/m.test(v) && v.length < 8000 }, h("summary", {}, key.replaceAll("_", " ")), code(v))));
  }

  function code(text) {
    const diff = /^(diff --git|@@ |--- )/m.test(text);
    const conflict = /^<<<<<<< /m.test(text) || /^[+ -]*<<<<<<< /m.test(text);
    if (!diff && !conflict) return h("pre", {}, text);
    let inside = false;
    return h("pre.diff", {}, text.split("\n").map((row) => {
      let kind = "";
      if (/^[+ -]*<{7}( |$)/.test(row)) inside = true;
      if (inside) kind = "conflict";
      else if (diff && /^(diff |index |--- |\+\+\+ )/.test(row)) kind = "file";
      else if (diff && row.startsWith("@@")) kind = "hunk";
      else if (diff && row.startsWith("+")) kind = "add";
      else if (diff && row.startsWith("-")) kind = "del";
      if (/^[+ -]*>{7}( |$)/.test(row)) inside = false;
      return h(kind ? `span.${kind}` : "span", {}, row || " ");
    }));
  }

  return { BROKEN, gist, quote, row, whole, fold, value, code, textOf };
}
