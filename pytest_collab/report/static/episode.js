"use strict";
// The page of one episode: what went wrong and what proves it, the same seed elsewhere, what happened, who knew what.
// eslint-disable-next-line no-unused-vars
function makeEpisode(tools) {
  const { h, table, small, short, plural, chip, dollars, link, episodeLink, telling, work, outcomes } = tools;
  const PROOFS = 8;
  const MOST_SAME = 30;
  const QUOTED = 12; // lines of the dialogue in what is copied for an issue

  const nameOf = (episode, seat) => (episode.usage[seat] && episode.usage[seat].agent ? `${seat} (${episode.usage[seat].agent})` : seat);

  // `run`: {head, index, at, listed, moved}; `shown`: what the page has of the episode, or null.
  function page(id, row, shown, run) {
    const record = shown ? shown.episode : bare(id, row, run);
    const events = shown ? shown.events.map(([seq, t, seat, kind, data]) => ({ seq, t, seat, kind, data })) : [];
    const start = events.find((e) => e.kind === "start");
    const seats = (start && start.data.seats) || [...new Set(events.map((e) => e.seat).filter(Boolean))];
    const proofs = new Map();
    for (const failure of record.failures) {
      for (const seq of failure.events) proofs.set(seq, [...(proofs.get(seq) || []), failure.code]);
    }
    const name = (seat) => nameOf(record, seat);
    const stage = events.length ? tools.stage({ shown, events, proofs, seats, nameOf: name, moved: run.moved }) : null;
    const kids = [
      crumbs(record, row, run),
      h("h1", {}, title(record, row, run)),
      h("p", {}, chip(record.outcome), ` score ${record.score.toFixed(2)}`, small(` · ${plural(record.turns, "turn")} · ${record.duration_s.toFixed(1)} s · `, run.index.cost_usd[row] === null ? "cost unknown" : dollars(run.index.cost_usd[row]), settled(record))),
      sentence(record, shown, stage),
      record.error ? h("pre.note", {}, record.error) : null,
      seated(record),
      elsewhere(record, row, run),
      copying(record, events, shown, stage, run),
      shown && shown.missing ? h("p.note", {}, shown.missing) : null,
      shown && !shown.bare ? null : absent(record, run),
      record.failures.length ? [h("h2", {}, "What went wrong"), h("ul.failures", {}, record.failures.map((failure) => complaint(failure, events, shown, stage, name, run)))] : null,
      shown && shown.left_out ? h("p.note", {}, `${plural(shown.left_out, "event")} in the middle left out here; ${record.transcript} has them all.`) : null,
      stage ? stage.node : null,
      work.section(events, name),
      knowledge(events, seats, record),
      shown && shown.bare ? null : figures(record.metrics),
      h("p.meta", {}, `transcript: ${record.transcript || "none"} · id: ${id}`),
    ];
    return { kids, stage };
  }

  // What the list of episodes knows, where the page has nothing else.
  function bare(id, row, { index, at }) {
    const team = at("team", row).split("+");
    return { id, family: at("family", row), task: at("task", row), condition: at("condition", row), team, seed: index.seed[row], epoch: index.epoch[row], outcome: at("outcome", row), score: index.score[row], turns: index.turns[row], duration_s: index.duration_s[row], failures: [], usage: {}, metrics: {}, transcript: "", error: null, settled: true, note: index.note[row] };
  }

  function crumbs(record, row, { index, listed }) {
    const place = listed.indexOf(row);
    const step = (by) => episodeLink(index.id[listed[(place + by + listed.length) % listed.length]]);
    return h("p.crumbs", {}, h("a", { href: link(`task/${encodeURIComponent(record.family)}/${encodeURIComponent(record.task)}`) }, `${record.family} / ${record.task}`),
      place >= 0 && listed.length > 1 ? [` · episode ${place + 1} of ${listed.length} listed: `, h("a", { href: step(-1) }, "previous"), " ", h("a", { href: step(1) }, "next")] : null);
  }

  function title(record, row, { at }) {
    const about = at("about", row);
    return [record.task, about, record.condition, record.team.join("+"), `seed ${record.seed}`, record.epoch ? `epoch ${record.epoch}` : ""].filter(Boolean).join(" · ");
  }

  function settled(record) {
    if (record.settled) return "";
    if (record.outcome !== "unsettled") return " · settled by solo episodes";
    return record.metrics.ungraded === 1 ? " · could not be read surely: nobody is blamed" : " · coordination or competence: open, for want of solo episodes";
  }

  // The first failure in a sentence, with the turn in which it shows.
  function sentence(record, shown, stage) {
    const first = record.failures[0];
    const said = shown && shown.headline ? shown.headline : record.note;
    if (!said || (!first && record.outcome === "success")) return null;
    const turn = stage && first && first.events.length ? stage.groups.findIndex((group) => group.some((e) => e.seq === stage.target(first.events[0]))) : -1;
    return h("p.sentence", {}, turn > 0 ? `Failed at turn ${turn}: ` : "Failed: ", said);
  }

  function seated(record) {
    const own = Object.entries(record.usage);
    if (!own.length) return h("p.small", {}, `team: ${record.team.join("+")}`);
    const faults = (seat) => record.failures.filter((f) => f.seats.includes(seat)).map((f) => f.code);
    return h("ul.seats", {}, own.map(([seat, usage], i) => h("li", {}, tools.mark(i), h("strong", {}, seat), " ", usage.agent,
      small(` · ${((usage.input_tokens || 0) + (usage.output_tokens || 0)).toLocaleString("en")} tokens · ${(usage.cost_usd ?? null) === null ? "cost unknown" : dollars(usage.cost_usd)}`),
      faults(seat).length ? [" ", h("span.fault", {}, `⚑ ${[...new Set(faults(seat))].join(", ")}`)] : null)));
  }

  // The same problem under other conditions and teams, and in the baseline.
  function elsewhere(record, row, { head, index, at }) {
    const same = [];
    for (let other = 0; other < index.n; other++) {
      if (other !== row && index.seed[other] === record.seed && at("family", other) === record.family && at("task", other) === record.task) same.push(other);
    }
    const was = at("was", row);
    if (!same.length && !was) return null;
    const words = (outcome) => (outcomes[outcome] || ["?", outcome]);
    const label = (other) => `${at("condition", other)} ${at("team", other)}${index.epoch[other] ? ` epoch ${index.epoch[other]}` : ""}`;
    same.sort((a, b) => (label(a) < label(b) ? -1 : 1));
    return h("nav.same", { "aria-label": "The same seed" }, h("strong", {}, "The same seed: "),
      was ? h("span", {}, h(`span.${was}`, {}, `${words(was)[0]} `), `in the baseline: ${words(was)[1]} `,
        copier("copy its command", () => `collab show ${head.baseline.path} ${index.was_id[row]}`)) : null,
      same.slice(0, MOST_SAME).map((other) => h("a", { href: episodeLink(index.id[other]), title: words(at("outcome", other))[1] },
        h(`span.${at("outcome", other)}`, {}, words(at("outcome", other))[0]), ` ${label(other)}`, h("span.unseen", {}, ` (${words(at("outcome", other))[1]})`))),
      same.length > MOST_SAME ? h("a", { href: link("episodes", { family: record.family, task: record.task, seed: record.seed }) }, `all ${same.length + 1}`) : null);
  }

  function absent(record, { head }) {
    return [h("p.note", {}, "The transcript of this episode is not in this page. ", ...head.notes.slice(0, 1)),
      h("p", {}, record.transcript ? [h("code", {}, `${head.run}/${record.transcript}`), " has it. "] : null, "In the terminal: ", h("code", {}, command(record, head)))];
  }

  const command = (record, head) => `collab show ${head.run} ${record.id}`;

  // ---- Failures and their proofs ----

  function complaint(failure, events, shown, stage, name, { head }) {
    const spans = (shown && shown.spans) || {};
    const groups = new Map(); // proofs that say the same are one button
    for (const seen of stage ? stage.sayings(failure.events) : failure.events) {
      const event = events.find((e) => e.seq === seen);
      const parts = event ? telling.quote(event, spans[seen]) : ["", "", ""];
      const key = parts.join("\n");
      if (!groups.has(key)) groups.set(key, { parts, seqs: [] });
      groups.get(key).seqs.push(seen);
    }
    const buttons = [...groups.values()];
    return h("li", {}, h("strong.code", {}, failure.code), ` (${failure.cause}) `, failure.seats.length ? h("span", {}, `seat ${failure.seats.map(name).join(", ")}`) : null,
      h("div", {}, failure.note || head.advice[failure.code]),
      stage ? h("div.proof", {}, buttons.slice(0, PROOFS).map(({ parts, seqs }) => {
        let next = 0;
        return h("button", { type: "button", onclick: () => { stage.goTo(seqs[next % seqs.length]); next += 1; } },
          `#${seqs[0]} `, parts[0], parts[1] ? h("mark", {}, parts[1]) : null, parts[2], seqs.length > 1 ? small(` ${seqs.length} times, to #${seqs[seqs.length - 1]}`) : null);
      }), buttons.length > PROOFS ? small(`and ${buttons.length - PROOFS} more`) : null)
        : small(`shown by ${failure.events.slice(0, 12).map((seq) => `#${seq}`).join(", ")}`));
  }

  // ---- Copying ----

  async function put(text) {
    try { return await navigator.clipboard.writeText(text); } catch { /* a page from a file may have no clipboard */ }
    const area = h("textarea", { "aria-label": "to be copied" }, "");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("no clipboard");
  }

  function copier(label, make) {
    const button = h("button.copy", { type: "button", onclick: async () => {
      try { await put(make()); button.textContent = "copied"; } catch { button.textContent = "cannot copy here"; }
      setTimeout(() => { button.textContent = label; }, 1500);
    } }, label);
    return button;
  }

  function copying(record, events, shown, stage, run) {
    return h("p.copying", {}, copier("Copy link", () => location.href), " ", copier("Copy command", () => command(record, run.head)), " ",
      copier("Copy as Markdown", () => markdown(record, events, shown, stage, run)));
  }

  // For an issue. What agents wrote stands in fences longer than any of theirs, so that it stays text.
  function markdown(record, events, shown, stage, { head }) {
    const fenced = (lines) => { const text = lines.join("\n"); const ticks = "`".repeat(1 + Math.max(2, ...[...text.matchAll(/`+/g)].map((m) => m[0].length))); return [`${ticks}text`, text, ticks]; };
    const spans = (shown && shown.spans) || {};
    const plain = (text) => text.replace(/[\\`*_<>[\]#|~&]/g, "\\$&").replace(/\s+/g, " ");
    const lines = [`### ${plain(record.outcome.replaceAll("_", " "))}: ${plain(title(record, tools.rowOf(record.id), tools.run()))}`, ""];
    lines.push(`family ${plain(record.family)} · score ${record.score.toFixed(2)} · ${Object.entries(record.usage).map(([seat, u]) => `${seat} = ${plain(u.agent)}`).join(", ")}${head.commit ? ` · commit ${head.commit.slice(0, 12)}` : ""}`, "");
    for (const failure of record.failures) {
      lines.push(`- **${failure.code}** (${failure.cause})${failure.seats.length ? `, seat ${failure.seats.join(", ")}` : ""}: ${plain(failure.note || head.advice[failure.code])}`);
    }
    const proofs = record.failures.flatMap((f) => f.events.slice(0, 2).map((seq) => events.find((e) => e.seq === (stage ? stage.target(seq) : seq)))).filter(Boolean);
    const quotes = [...new Set(proofs.map((e) => `#${e.seq} ${telling.quote(e, spans[e.seq]).join("")}`))];
    if (quotes.length) lines.push("", "What proves it:", "", ...fenced(quotes));
    const spoken = events.filter((e) => ["message", "action", "malformed", "limit"].includes(e.kind));
    const until = Math.max(...proofs.map((e) => e.seq), -1);
    const from = Math.max(0, (until < 0 ? spoken.length : spoken.filter((e) => e.seq <= until).length) - QUOTED + 2);
    if (spoken.length) lines.push("", `The dialogue from #${spoken[Math.min(from, spoken.length - 1)].seq}:`, "", ...fenced(spoken.slice(from, from + QUOTED).map((e) => `#${e.seq} ${short(telling.gist(e), 300)}`)));
    lines.push("", `In the terminal: \`${command(record, head)}\``, "");
    return lines.join("\n");
  }

  // ---- Figures ----

  // Those that are not zero, in columns; the names of the others folded away.
  function figures(metrics) {
    const all = Object.entries(metrics);
    if (!all.length) return null;
    const some = all.filter(([, value]) => value);
    const none = all.filter(([, value]) => !value).map(([key]) => key);
    const number = (value) => (Number.isInteger(value) ? value : value.toPrecision(4));
    return [h("h2", {}, "Figures"), h("dl.figures", {}, some.map(([key, value]) => h("div", {}, h("dt", {}, key.replaceAll("_", " ")), h("dd", {}, number(value))))),
      none.length ? telling.fold(`${none.length} that are 0`, () => h("p.small", {}, none.join(", ").replaceAll("_", " "))) : null];
  }

  function knowledge(events, seats, episode) {
    const told = new Map(seats.map((seat) => [seat, events.filter((e) => e.seat === seat && (e.kind === "brief" || (e.kind === "prompt" && e.data.text !== undefined)))]));
    const lines = new Map(seats.map((seat) => [seat, new Set(told.get(seat).flatMap((e) => e.data.text.split("\n").map((l) => l.trim())))]));
    const messages = events.filter((e) => e.kind === "message");
    if (![...told.values()].some((list) => list.length)) return null;
    return [h("h2", {}, "Who knew what"), h("div.knows", {}, seats.map((seat) => {
      const inbox = new Set(events.filter((e) => e.kind === "prompt" && e.seat === seat).flatMap((e) => e.data.inbox || []));
      const unread = messages.filter((m) => m.seat !== seat && !inbox.has(m.seq));
      const others = seats.filter((other) => other !== seat).map((other) => {
        const opening = told.get(other).slice(0, 2).flatMap((e) => e.data.text.split("\n"));
        return [other, opening.filter((line) => line.trim() && !lines.get(seat).has(line.trim()))];
      }).filter(([, missingLines]) => missingLines.length);
      return h("div.card", {}, h("h3", {}, `Seat ${nameOf(episode, seat)}`),
        h("p.small", {}, `heard ${plural(inbox.size, "message")}`),
        telling.fold("What it was told", () => h("div", {}, told.get(seat).map((e) => [small(`#${e.seq} ${e.kind}`), h("pre", {}, e.data.text)]))),
        unread.length ? telling.fold(`${plural(unread.length, "message")} it never heard`, () => h("div", {}, unread.map((m) =>
          h("p", {}, `#${m.seq} ${m.seat}: `, m.data.text, " ", small(m.data.dropped && m.data.dropped[seat] ? `(${m.data.dropped[seat]})` : (m.data.delivered || []).includes(seat) ? "(it was not asked again)" : "(not sent to it)"))))) : null,
        others.length ? telling.fold("What only others were told at the start", () => h("div", {}, others.map(([other, missingLines]) => [h("p", {}, h("strong", {}, `to ${nameOf(episode, other)}`)), h("pre", {}, missingLines.join("\n"))]))) : null);
    }))];
  }

  return { page };
}
