"use strict";
// An episode turn by turn: the time line, the picture after each turn, and the dialogue, all three in step.
// eslint-disable-next-line no-unused-vars
function makeStage({ h, s, small, telling, marks }, { shown, events, proofs, seats, nameOf, moved }) {
  const TOLD = new Set(["message", "memory", "action", "malformed", "limit", "error", "grade", "tool_call", "tool_result", "failed_call", "trim"]);
  const SPOKEN = new Set(["message", "memory", "action", "malformed"]);
  const LANE = 24; // pixels a seat
  const PLAY_MS = 1200;
  const MOST_NUMBERS = 16;
  const MOST_HELD = 5; // seats in a time line that stays in sight

  const ends = shown.ends.length ? shown.ends : [0];
  const last = ends.length - 1;
  const stepOf = (seq) => { const i = ends.findIndex((end) => seq <= end); return i < 0 ? last : i; };
  const groups = ends.map(() => []);
  for (const event of events) groups[stepOf(event.seq)].push(event);

  // An action that consists of using tools says nothing that the tool calls do not say.
  const onlyTools = (e) => e.kind === "action" && e.data.action && typeof e.data.action === "object" && Object.keys(e.data.action).join() === "tools";

  // The messages and actions that an answer was taken apart into.
  const partsOf = (group, reply) => group.filter((e) => e.seq > reply.seq && e.seat === reply.seat && SPOKEN.has(e.kind) && !onlyTools(e));

  // An answer that proves what its messages prove as well is shown once: its proof is theirs.
  const standsFor = new Map();
  for (const group of groups) {
    for (const reply of group.filter((e) => e.kind === "reply" && proofs.has(e.seq))) {
      const parts = partsOf(group, reply).filter((e) => proofs.has(e.seq));
      if (parts.length && proofs.get(reply.seq).every((code) => parts.some((e) => proofs.get(e.seq).includes(code)))) standsFor.set(reply.seq, parts[0].seq);
    }
  }
  // The proofs of one failure, none of them twice: an answer gives way to those of its messages that prove it as well.
  function sayings(seqs) {
    const answers = (seq) => {
      const group = groups[stepOf(seq)];
      const reply = group.find((e) => e.seq === seq && e.kind === "reply");
      return reply ? partsOf(group, reply).filter((e) => seqs.includes(e.seq)) : [];
    };
    return [...new Set(seqs.filter((seq) => !answers(seq).length).map(target))];
  }
  const target = (seq) => (standsFor.has(seq) ? standsFor.get(seq) : seq);

  let step = last;
  let everything = false;
  let playing = null;

  const name = (i) => (i === 0 ? "before the first turn" : `turn ${i} of ${last}`);

  // ---- The time line ----

  // What a seat did in a turn, in the order in which it matters.
  function deed(group, seat) {
    const own = group.filter((e) => e.seat === seat);
    const spoken = own.filter((e) => e.kind === "message");
    if (spoken.length) return spoken.every((e) => Object.keys(e.data.dropped || {}).length && !(e.data.delivered || []).length) ? "lost" : "said";
    if (own.some((e) => e.kind === "malformed" || e.kind === "failed_call" || e.kind === "error")) return "broken";
    if (own.some((e) => e.kind === "action" || e.kind === "tool_call")) return "acted";
    if (own.some((e) => e.kind === "reply")) return "silent";
    return null;
  }
  const DEEDS = { said: "said something", acted: "acted", silent: "said nothing", lost: "said something that reached nobody", broken: "could not be understood" };

  const flagged = (group, seat) => group.filter((e) => proofs.has(e.seq) && (e.seat || "") === seat);
  const lanes = [...seats, ...(groups.some((group) => flagged(group, "").length) ? [""] : [])];

  function symbol(kind, number, x, y) {
    const [path, colour] = marks[number % marks.length];
    const at = (...kids) => s("svg", { x, y, overflow: "visible" }, kids);
    if (kind === "silent") return at(s("line", { x1: -4, x2: 4, y1: 0, y2: 0, stroke: colour, "stroke-width": 2 }));
    const size = kind === "acted" ? 4 : 6;
    const shape = s("path", { d: path, transform: `scale(${size})`, fill: kind === "acted" || kind === "broken" ? "none" : colour, stroke: colour, "stroke-width": kind === "acted" || kind === "broken" ? 2 / size : 0 });
    const crossed = kind === "lost" || kind === "broken" ? s("path", { class: "struck", d: "M-7 -7L7 7" }) : null;
    return at(shape, crossed);
  }

  function track() {
    const height = lanes.length * LANE;
    const x = (i) => `${(100 * (i + 0.5)) / ends.length}%`;
    const every = Math.max(1, Math.ceil(ends.length / MOST_NUMBERS));
    const nodes = lanes.map((seat, lane) => s("line", { class: "lane", x1: "0", x2: "100%", y1: (lane + 0.5) * LANE, y2: (lane + 0.5) * LANE }));
    const head = s("line", { class: "playhead", y1: 0, y2: height });
    groups.forEach((group, i) => {
      if (i % every === 0) nodes.push(s("text", { x: x(i), y: height + 13, "text-anchor": "middle" }, i === 0 ? "start" : i));
      lanes.forEach((seat, lane) => {
        const y = (lane + 0.5) * LANE;
        const kind = seat && i ? deed(group, seat) : null;
        if (kind) nodes.push(symbol(kind, lane, x(i), y));
        if (flagged(group, seat).length) nodes.push(s("svg", { x: x(i), y: y - 4, overflow: "visible" }, s("path", { class: "flag", d: "M0 4V-9L9 -5.5L0 -2" })));
      });
    });
    return { node: s("svg", { class: "track-of", width: "100%", height: height + 18, "aria-hidden": "true" }, nodes, head), move: (i) => { head.setAttribute("x1", x(i)); head.setAttribute("x2", x(i)); } };
  }

  const line = track();
  const slider = h("div.timeline", { role: "slider", tabindex: 0, "aria-label": "Turn", "aria-valuemin": 0, "aria-valuemax": last, "aria-orientation": "horizontal" }, line.node);
  const inWords = (i) => {
    const deeds = seats.map((seat) => [seat, i ? deed(groups[i], seat) : null]).filter(([, kind]) => kind).map(([seat, kind]) => `${seat} ${DEEDS[kind]}`);
    const codes = [...new Set(groups[i].flatMap((e) => proofs.get(e.seq) || []))];
    return [name(i), ...deeds, ...(codes.length ? [`proves ${codes.join(", ")}`] : [])].join("; ");
  };
  const play = h("button", { type: "button", onclick: () => toggle() }, "▶ Play");
  const back = h("button", { type: "button", "aria-label": "Previous turn (←)", onclick: () => move(step - 1) }, "◀");
  const on = h("button", { type: "button", "aria-label": "Next turn (→)", onclick: () => move(step + 1) }, "▶");
  const caption = h("span.small", { role: "status" });
  const legend = h("p.small.legend", {}, "filled: said something · hollow: acted · –: said nothing · struck through: reached nobody, or could not be understood · ⚑: proves a failure");
  const timeline = h("div.times", {}, h("div.stepper", {}, play, back, on, caption),
    h("div.lanes", {}, h("div.names", { "aria-hidden": "true" }, lanes.map((seat) => h("span", {}, seat ? nameOf(seat) : "table"))), slider), legend);

  function pointed(event) {
    const box = slider.getBoundingClientRect();
    return Math.floor(((event.clientX - box.left) / box.width) * ends.length);
  }
  slider.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    slider.setPointerCapture(event.pointerId);
    move(pointed(event));
  });
  slider.addEventListener("pointermove", (event) => { if (slider.hasPointerCapture(event.pointerId)) move(pointed(event)); });
  slider.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const far = Math.max(1, Math.round(ends.length / 10));
    const to = { ArrowLeft: step - 1, ArrowDown: step - 1, ArrowRight: step + 1, ArrowUp: step + 1, PageDown: step - far, PageUp: step + far, Home: 0, End: last }[event.key];
    if (event.key === " ") toggle();
    else if (to === undefined) return;
    else move(to);
    event.preventDefault();
    event.stopPropagation();
  });

  function toggle() {
    if (playing) return stop();
    if (step === last) move(0);
    playing = setInterval(() => { move(step + 1, true); if (step === last) stop(); }, PLAY_MS);
    play.textContent = "❚❚ Pause";
  }

  function stop() {
    clearInterval(playing);
    playing = null;
    play.textContent = "▶ Play";
  }

  // ---- Picture and dialogue ----

  const image = h("img", { alt: "" });
  const words = h("pre", {});
  const drawn = h("p.small", {});
  const scene = h("div.scene", { tabindex: 0, role: "region", "aria-label": "Picture" },
    shown.pictures.length ? [drawn, image, h("details", {}, h("summary", {}, "The picture as text"), words)] : h("p.small", {}, "There is no picture of this episode here."));
  const dialogue = h("div", {});
  const all = h("input", { type: "checkbox", onchange: (e) => { everything = e.target.checked; fill(); show(step, false); } });
  let turns = [];

  function isShown(e, group, i) {
    if (everything) return true;
    if (standsFor.has(e.seq) || (onlyTools(e) && !proofs.has(e.seq))) return false;
    if (TOLD.has(e.kind) || proofs.has(e.seq) || (e.kind === "seated" && i > 0)) return true;
    return e.kind === "reply" && (!partsOf(group, e).length && !group.some((other) => other.seat === e.seat && SPOKEN.has(other.kind)) || Boolean(telling.BROKEN[e.data.stop]));
  }

  function fill() {
    turns = groups.map((group, i) => {
      const rows = group.filter((e) => isShown(e, group, i)).map((e) => {
        const codes = proofs.get(e.seq);
        const parts = codes && e.kind === "reply" && !everything ? partsOf(group, e) : [];
        const beyond = (codes || []).filter((code) => !parts.some((part) => (proofs.get(part.seq) || []).includes(code)));
        return parts.length ? telling.whole(e, beyond) : telling.row(e, codes, (shown.spans || {})[e.seq]);
      });
      return rows.length || i === 0 ? h("div.turn", {}, h("h3", {}, i === 0 ? "Before the first turn" : `Turn ${i}`), rows) : h("div.turn", { hidden: true });
    });
    if (!everything && turns[0] && turns[0].children.length === 1) turns[0].hidden = true;
    dialogue.replaceChildren(...turns);
  }

  function show(to, follow) {
    step = Math.max(0, Math.min(last, to));
    slider.setAttribute("aria-valuenow", step);
    slider.setAttribute("aria-valuetext", inWords(step));
    line.move(step);
    back.disabled = step === 0;
    on.disabled = step === last;
    const before = shown.at.filter(([seq]) => seq <= ends[step]);
    const [seq, number] = before.length ? before[before.length - 1] : shown.at[0] || [null, null];
    const of = seq === null ? null : stepOf(seq);
    caption.textContent = name(step);
    if (number !== null) {
      const [text, svg] = shown.pictures[number];
      drawn.textContent = of === step ? `After ${of ? `turn ${of}` : "the deal"}` : `The picture is of ${name(of)}`;
      words.textContent = text;
      image.hidden = !svg;
      words.parentNode.open = words.parentNode.open || !svg;
      // As an image, SVG runs no script and loads nothing, whatever is in it.
      if (svg) image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
      image.alt = `${name(of)}: ${text}`;
    }
    turns.forEach((turn, i) => {
      turn.classList.toggle("now", i === step);
      turn.classList.toggle("later", i > step);
    });
    if (follow && turns[step] && !turns[step].hidden) turns[step].scrollIntoView({ block: "nearest" });
  }

  // A step that somebody took: the address follows, so that it leads to what is on the screen.
  function move(to, kept) {
    if (playing && !kept) stop();
    show(to, true);
    const proof = groups[step].find((e) => proofs.has(e.seq));
    const first = proof || groups[step].find((e) => isShown(e, groups[step], step));
    moved(first ? first.seq : ends[step]);
  }

  function goTo(wanted, follow = true) {
    const seq = target(Number(wanted));
    show(stepOf(seq), false);
    if (follow) moved(seq);
    const row = dialogue.querySelector(`#e${seq}`);
    if (row) {
      row.scrollIntoView({ block: "center" });
      row.focus({ preventScroll: true });
    } else if (turns[step] && !turns[step].hidden) turns[step].scrollIntoView({ block: "center" });
  }

  // A low time line stays in sight, and the picture beneath it.
  function placed() {
    if (lanes.length > MOST_HELD) return;
    timeline.classList.add("held");
    if (matchMedia("(min-width: 60.01rem)").matches) scene.style.setProperty("--under", `calc(3.6rem + ${timeline.offsetHeight}px)`);
  }

  const proofSeqs = [...new Set([...proofs.keys()].map(target))].sort((a, b) => a - b);
  let proof = -1;
  fill();
  return {
    node: [h("h2", {}, "What happened"), h("div", {}, timeline, // which stays in sight as long as what it steps through
      h("p.every", {}, h("label", {}, all, " show every event: prompts, whole replies, states")),
      h("div.stage", {}, scene, dialogue))],
    goTo, target, sayings, toggle, stop, groups,
    at: () => step,
    start: () => show(last, false),
    placed,
    stepBy: (by) => move(step + by),
    nextEvidence: () => { if (proofSeqs.length) { proof = (proof + 1) % proofSeqs.length; goTo(proofSeqs[proof]); } },
  };
}
