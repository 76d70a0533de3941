"use strict";
// The pages of report.html. What agents wrote reaches the document as text nodes only: nothing here parses markup.
(() => {
  const OUTCOMES = {
    success: ["✓", "success"],
    coordination_failure: ["C", "coordination failure"],
    competence_failure: ["K", "competence failure"],
    unsettled: ["U", "unsettled"],
    limit: ["L", "limit"],
    infrastructure_error: ["E", "infrastructure error"],
  };
  const PAGE_SIZE = 100;
  const MOST_SEEDS = 60;
  const live = document.documentElement.hasAttribute("data-live");
  const overview = document.getElementById("overview");
  const view = document.getElementById("view");
  const ready = new Promise((resolve) => {
    if (document.readyState !== "loading") resolve();
    else document.addEventListener("DOMContentLoaded", () => resolve(), { once: true });
  });

  // ---- Building the document ----

  // Characters that would turn the direction of what follows, or that nobody sees, are shown as marks.
  const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g;
  const visible = (text) => text.replace(UNSEEN, (c) => {
    const code = c.codePointAt(0);
    return code < 0x20 ? String.fromCodePoint(0x2400 + code) : `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });

  function put(node, kids) {
    for (const kid of kids.flat(Infinity)) {
      if (kid === null || kid === undefined || kid === false) continue;
      node.append(kid instanceof Node ? kid : document.createTextNode(visible(String(kid))));
    }
    return node;
  }

  function h(tag, attributes, ...kids) {
    const [name, ...classes] = tag.split(".");
    const node = document.createElement(name || "div");
    if (classes.length) node.className = classes.join(" ");
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else if (key === "href") { if (String(value).startsWith("#")) node.setAttribute("href", value); }
      else node.setAttribute(key, value === true ? "" : String(value));
    }
    return put(node, kids);
  }

  function s(tag, attributes, ...kids) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, String(value));
    return put(node, kids);
  }

  const percent = (x) => (x === null || x === undefined ? "–" : `${Math.round(100 * x)} %`);
  const signed = (x) => (x === null || x === undefined ? "–" : `${x < 0 ? "−" : "+"}${Math.abs(Math.round(100 * x))}`);
  const short = (text, n) => (text.length > n ? `${text.slice(0, n - 1)}…` : text);
  const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
  const chip = (outcome) => h(`span.chip.${outcome}`, {}, (OUTCOMES[outcome] || ["", outcome])[1]);
  const small = (...kids) => h("span.small", {}, ...kids);

  function link(page, values) {
    const query = new URLSearchParams(Object.entries(values || {}).filter(([, v]) => v !== null && v !== undefined && v !== ""));
    const text = query.toString().replaceAll("+", "%20");
    return `#/${page}${text ? `?${text}` : ""}`;
  }
  const episodeLink = (id, at) => link(`episode/${encodeURIComponent(id)}`, { at });

  function range(low, high, value, from = 0, to = 1) {
    const x = (v) => Math.min(100, Math.max(0, (100 * (v - from)) / (to - from)));
    return s("svg", { class: "range", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
      s("rect", { class: "track", x: 0, y: 3, width: 100, height: 2 }),
      low === null || high === null ? null : s("rect", { class: "span", x: x(low), y: 2, width: Math.max(0.5, x(high) - x(low)), height: 4 }),
      value === null ? null : s("rect", { class: "dot", x: Math.max(0, x(value) - 1), y: 0, width: 2, height: 8 }));
  }

  function table(label, header, rows, kind = "") {
    return h("div.scroll", { tabindex: 0, role: "region", "aria-label": label },
      h(`table${kind}`, {}, h("thead", {}, h("tr", {}, header.map((cell) => (cell instanceof Node ? cell : h("th", { scope: "col" }, cell))))),
        h("tbody", {}, rows)));
  }

  // ---- Data ----

  async function unpack(id) {
    const node = document.getElementById(id);
    if (!node) throw new Error(`this page has no ${id}`);
    if (typeof DecompressionStream === "undefined") throw new Error("this browser is too old to unpack the page's data");
    const bytes = Uint8Array.from(atob(node.textContent.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  let head = null;
  let index = null;
  let rowOf = null;
  const loaded = Promise.all([unpack("head"), unpack("index")]).then(([first, second]) => {
    head = first;
    index = second;
    rowOf = new Map(index.id.map((id, row) => [id, row]));
  });
  const kept = new Map();

  const at = (column, row) => (index[column].codes ? index[column].values[index[column].codes[row]] : index[column][row]);

  async function episodeOf(row) {
    if (live) return (await fetch(`episode/${row}?id=${encodeURIComponent(index.id[row])}`)).json();
    const place = index.place[row];
    if (place === -1) return null;
    await ready;
    if (!kept.has(place[0])) {
      if (kept.size > 3) kept.delete(kept.keys().next().value);
      kept.set(place[0], unpack(`chunk-${place[0]}`));
    }
    return (await kept.get(place[0]))[place[1]];
  }

  // ---- Lists of episodes ----

  const FILTERS = ["family", "task", "condition", "team", "outcome", "code", "seed", "agent", "was", "q", "sort"];
  let listed = []; // the rows that n and p go through

  function matching(filter) {
    const test = {};
    for (const name of ["family", "task", "condition", "team", "outcome"]) {
      if (filter[name]) test[name] = index[name].values.indexOf(filter[name]);
    }
    const q = (filter.q || "").toLowerCase();
    const rows = [];
    for (let row = 0; row < index.n; row++) {
      if (Object.entries(test).some(([name, code]) => index[name].codes[row] !== code)) continue;
      if (filter.code && !at("codes", row).split(" ").includes(filter.code)) continue;
      if (filter.agent && !at("team", row).split("+").includes(filter.agent)) continue;
      if (filter.seed && String(index.seed[row]) !== filter.seed) continue;
      if (filter.was === "lost" ? at("was", row) !== "success" || at("outcome", row) === "success" : filter.was && at("was", row) !== filter.was) continue;
      if (q && !`${index.id[row]} ${at("about", row)} ${index.note[row]}`.toLowerCase().includes(q)) continue;
      rows.push(row);
    }
    return sorted(rows, filter.sort || "");
  }

  // Unsuccessful episodes first; by the column that `sort` names, downwards where it begins with a minus.
  const WORST = ["coordination_failure", "competence_failure", "unsettled", "limit", "infrastructure_error", "success"];
  const SORTS = {
    Outcome: ["outcome", (row) => WORST.indexOf(at("outcome", row))],
    Was: ["was", (row) => WORST.indexOf(at("was", row))],
    Episode: ["task", (row) => `${at("family", row)} ${at("task", row)}`],
    Condition: ["condition", (row) => at("condition", row)],
    Team: ["team", (row) => at("team", row)],
    Seed: ["seed", (row) => index.seed[row]],
    Score: ["score", (row) => index.score[row]],
    Turns: ["turns", (row) => index.turns[row]],
    Time: ["time", (row) => index.duration_s[row]],
    Cost: ["cost", (row) => index.cost_usd[row] ?? -1],
  };

  function sorted(rows, sort) {
    const down = sort.startsWith("-");
    const named = Object.values(SORTS).find(([name]) => name === sort.replace(/^-/, "")) || SORTS.Outcome;
    const keyed = rows.map((row) => [named[1](row), row]);
    keyed.sort(([a, i], [b, j]) => (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1) || i - j);
    return keyed.map(([, row]) => row);
  }

  function episodeTable(rows, label, filter, go) {
    const before = index.was.values.some(Boolean);
    const numbers = new Set(["Seed", "Score", "Turns", "Time", "Cost"]);
    const heads = ["Outcome", ...(before ? ["Was"] : []), "Episode", "Condition", "Team", "Seed", "Score", "What went wrong", "Turns", "Time", "Cost"];
    const header = heads.map((title) => {
      const by = SORTS[title];
      const cell = numbers.has(title) ? "th.n" : "th";
      if (!go || !by) return h(cell, { scope: "col" }, title);
      const up = filter.sort === by[0];
      const down = filter.sort === `-${by[0]}`;
      return h(cell, { scope: "col", "aria-sort": up ? "ascending" : down ? "descending" : null },
        h("button.sort", { type: "button", onclick: () => go({ ...filter, sort: up ? `-${by[0]}` : by[0] }) }, title, up ? " ▲" : down ? " ▼" : ""));
    });
    return table(label, header,
      rows.map((row) => h("tr", {},
        h("td", {}, chip(at("outcome", row))),
        before ? h("td", {}, at("was", row) ? h(`span.chip.${at("was", row)}`, { title: OUTCOMES[at("was", row)][1] }, OUTCOMES[at("was", row)][0]) : small("–")) : null,
        h("th.whole", { scope: "row" }, small(`${at("family", row)} / `), h("a", { href: episodeLink(index.id[row]) }, at("task", row)), at("about", row) ? small(` ${at("about", row)}`) : null, index.epoch[row] ? ` · epoch ${index.epoch[row]}` : ""),
        h("td", {}, at("condition", row)), h("td", {}, at("team", row)),
        h("td.n", {}, index.seed[row]), h("td.n", {}, index.score[row].toFixed(2)),
        h("td.note-of", {}, index.note[row]), h("td.n", {}, index.turns[row]), h("td.n", {}, `${index.duration_s[row].toFixed(1)} s`), h("td.n", {}, dollars(index.cost_usd[row])))));
  }

  const dollars = (cost) => (cost === null ? "unknown" : `$${cost.toFixed(cost && cost < 0.01 ? 4 : 2)}`);

  function paged(rows, label, filter, go) {
    let page = 0;
    const box = h("div", {});
    const show = () => {
      const last = Math.max(0, Math.ceil(rows.length / PAGE_SIZE) - 1);
      const turn = (step) => () => { page = Math.min(last, Math.max(0, page + step)); show(); };
      box.replaceChildren(
        rows.length ? episodeTable(rows.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE), label, filter, go) : h("p.note", {}, "No episode is like that."),
        last > 0 ? h("div.pager", {},
          h("button", { type: "button", onclick: turn(-1), disabled: page === 0 }, "Back"),
          h("span", { role: "status" }, `${page * PAGE_SIZE + 1} to ${Math.min(rows.length, (page + 1) * PAGE_SIZE)} of ${rows.length}`),
          h("button", { type: "button", onclick: turn(1), disabled: page === last }, "On")) : "");
    };
    show();
    return box;
  }

  function filters(filter, names, go) {
    const change = (name) => (event) => go({ ...filter, [name]: event.target.value });
    const values = (name) => (name === "code" ? Object.keys(head.advice) : [...index[name].values].sort());
    return h("div.filters", { role: "search" },
      names.map((name) => h("label", {}, name,
        h("select", { onchange: change(name) }, h("option", { value: "" }, "any"),
          values(name).map((value) => h("option", { value, selected: filter[name] === value }, value.replaceAll("_", " ")))))),
      h("label", {}, "id or note has", h("input", { type: "search", id: "q", value: filter.q || "", onchange: change("q") })),
      ["agent", "seed", "was"].filter((name) => filter[name]).map((name) =>
        h("button", { type: "button", onclick: () => go({ ...filter, [name]: "" }) }, `${name}: ${filter[name]} ✕`)),
      h("button", { type: "button", onclick: () => go({}) }, "Clear"));
  }

  function episodesPage(query) {
    const filter = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) || ""]));
    listed = matching(filter);
    const go = (next) => { location.hash = link("episodes", next); };
    const lost = index.was.values.some(Boolean) ? matching({ was: "lost" }).length : 0;
    return [h("h1", {}, "Episodes"),
      filters(filter, ["family", "task", "condition", "team", "outcome", "code"], go),
      h("p.meta", { role: "status" }, `${listed.length} of ${plural(index.n, "episode")}`,
        lost ? [" · ", h("a", { href: link("episodes", { was: "lost" }) }, `${lost} succeeded before and do not now`)] : null),
      paged(listed, "Episodes", filter, go)];
  }

  // ---- Teams ----

  function teamsPage(query) {
    if (!head.matrices.length) return [h("h1", {}, "Teams"), h("p.note", {}, "This run has no teams of two agents.")];
    const scopes = [...new Set(head.matrices.map((m) => m.family || ""))];
    const scope = scopes.includes(query.get("family")) ? query.get("family") : scopes[0];
    return [h("h1", {}, "Who works with whom"),
      h("p.lead", {}, "Success rate of each team of two. Rows speak first, columns second: the order matters."),
      scopes.length > 1 ? h("div.filters", {}, h("label", {}, "family",
        h("select", { onchange: (event) => { location.hash = link("teams", { family: event.target.value }); } },
          scopes.map((value) => h("option", { value, selected: value === scope }, value || "all families"))))) : null,
      head.matrices.filter((m) => (m.family || "") === scope).map(matrix),
      head.orderings.length ? [h("h2", {}, "Does it matter who begins?"),
        table("Orders", ["Pair", "First minus second order, points", "95 % interval", h("th.n", { scope: "col" }, "p")],
          head.orderings.map((o) => h("tr", {}, h("th", { scope: "row" }, `${o.team[0]}+${o.team[1]} against ${o.team[1]}+${o.team[0]}`),
            h("td", {}, signed(o.difference[0]), range(o.difference[1], o.difference[2], o.difference[0], -1, 1)),
            h("td", {}, `${signed(o.difference[1])} .. ${signed(o.difference[2])}`),
            h("td.n", {}, o.p === null ? "–" : o.p.toPrecision(2)))))] : null];
  }

  function matrix(m) {
    const cells = new Map(m.cells.map((cell) => [`${cell[0]}\n${cell[1]}`, cell]));
    return [h("h2", {}, m.condition),
      table(`Matrix ${m.condition}`, [h("td", {}, small("first ↓ second →")), ...m.agents],
        m.agents.map((first) => h("tr", {}, h("th", { scope: "row" }, first), m.agents.map((second) => {
          const cell = cells.get(`${first}\n${second}`);
          if (!cell) return h("td", {}, small("not played"));
          const [, , value, low, high, n] = cell;
          return h(`td.heat-${Math.round(5 * value)}`, {},
            h("a.figure", { href: link("episodes", { family: m.family, condition: m.condition, team: `${first}+${second}` }) }, percent(value)),
            h("br"), small(`${percent(low)} .. ${percent(high)}`), h("br"), small(`n ${n}`));
        }))), ".matrix")];
  }

  // ---- Tasks ----

  function tasksPage() {
    return [h("h1", {}, "Tasks"),
      [...new Set(head.tasks.map((t) => t.family))].map((family) => {
        const tasks = head.tasks.filter((t) => t.family === family);
        const conditions = [...new Set(tasks.flatMap((t) => t.cells.map((c) => c.condition)))];
        return [h("h2", {}, family), table(family, ["Task", ...conditions],
          tasks.map((t) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: link(`task/${encodeURIComponent(t.family)}/${encodeURIComponent(t.name)}`) }, t.name)),
            conditions.map((condition) => {
              const cells = t.cells.filter((c) => c.condition === condition);
              const n = cells.reduce((sum, c) => sum + c.n, 0);
              const won = cells.reduce((sum, c) => sum + c.successes, 0);
              return h("td", {}, n ? [percent(won / n), " ", small(`${won}/${n}`)] : small("–"));
            }))))];
      })];
  }

  function taskPage(family, name, query) {
    const task = head.tasks.find((t) => t.family === family && t.name === name);
    if (!task) return missing(`a task ${name} of family ${family}`);
    const filter = { ...Object.fromEntries(FILTERS.map((key) => [key, query.get(key) || ""])), family, task: name };
    const rows = matching({ family, task: name });
    listed = matching(filter);
    return [h("p.crumbs", {}, h("a", { href: "#/tasks" }, "Tasks"), ` / ${family}`),
      h("h1", {}, name),
      h("p.meta", {}, task.file, task.file ? h("br") : "", h("code", {}, task.params)),
      table("Conditions and teams", ["Condition", "Team", "Success", "95 % interval", h("th.n", { scope: "col" }, "Score"), h("th.n", { scope: "col" }, "Cost")],
        task.cells.map((c) => h("tr", {}, h("td", {}, c.condition), h("th", { scope: "row" }, c.team),
          h("td", {}, c.n ? percent(c.rate) : "–", " ", small(`${c.successes}/${c.n}`)),
          h("td", {}, range(c.low, c.high, c.n ? c.rate : null), small(`${percent(c.low)} .. ${percent(c.high)}`)),
          h("td.n", {}, c.score.toFixed(2)), h("td.n", {}, c.usage.cost_usd === null ? "unknown" : `$${c.usage.cost_usd.toFixed(2)}`)))),
      task.gaps.length ? [h("h2", {}, "Gaps"), table("Gaps", ["Gap", "Team", "Points", "95 % interval", h("th.n", { scope: "col" }, "Pairs")],
        task.gaps.map((g) => h("tr", {}, h("th", { scope: "row" }, g.name), h("td", {}, g.team), h("td", {}, signed(g.value)),
          h("td", {}, g.low === null ? "one pair" : [range(g.low, g.high, g.value, -1, 1), small(`${signed(g.low)} .. ${signed(g.high)}`)]), h("td.n", {}, g.pairs))))] : null,
      task.curves ? curve(task.curves) : null,
      h("h2", {}, "Seed by seed"), seedGrid(rows),
      h("h2", {}, "Episodes"),
      filters(filter, ["condition", "team", "outcome", "code"], (next) => {
        const { family: _f, task: _t, ...rest } = next;
        location.hash = link(`task/${encodeURIComponent(family)}/${encodeURIComponent(name)}`, rest);
      }),
      paged(listed, "Episodes of this task")];
  }

  function seedGrid(rows) {
    const seeds = [...new Set(rows.map((row) => index.seed[row]))].sort((a, b) => a - b);
    const shown = seeds.slice(0, MOST_SEEDS);
    const lines = new Map();
    for (const row of rows) {
      const key = `${at("condition", row)} · ${at("team", row)}`;
      if (!lines.has(key)) lines.set(key, new Map());
      const line = lines.get(key);
      line.set(index.seed[row], [...(line.get(index.seed[row]) || []), row]);
    }
    return [h("p.small", {}, Object.values(OUTCOMES).map(([letter, word]) => `${letter} ${word}`).join(" · "),
      shown.length < seeds.length ? ` · the first ${shown.length} of ${plural(seeds.length, "seed")}` : ""),
    table("Seed by seed", ["Condition · team", ...shown.map(String)],
      [...lines].map(([key, line]) => h("tr", {}, h("th", { scope: "row" }, key), shown.map((seed) =>
        h("td", {}, (line.get(seed) || []).map((row) => {
          const [letter, word] = OUTCOMES[at("outcome", row)] || ["?", at("outcome", row)];
          return h(`a.${at("outcome", row)}`, { href: episodeLink(index.id[row]), title: `seed ${seed}: ${word}`, "aria-label": `${key}, seed ${seed}: ${word}` }, letter);
        }))))), ".seeds")];
  }

  function curve(curves) {
    const [w, top, bottom, left] = [560, 15, 185, 40];
    const x = (v) => left + v * (w - left - 15);
    const y = (v) => bottom - v * (bottom - top);
    const line = (points, kind) => [
      s("polyline", { class: kind, points: points.map((p) => `${x((p[0] + p[1]) / 2)},${y(p[2])}`).join(" ") }),
      points.map((p) => [
        s("line", { class: `${kind} whisker`, x1: x((p[0] + p[1]) / 2), x2: x((p[0] + p[1]) / 2), y1: y(p[3]), y2: y(p[4]) }),
        kind === "solo" ? s("circle", { class: kind, cx: x((p[0] + p[1]) / 2), cy: y(p[2]), r: 4 })
          : s("rect", { class: kind, x: x((p[0] + p[1]) / 2) - 4, y: y(p[2]) - 4, width: 8, height: 8 })])];
    return [h("h2", {}, "Success over difficulty"),
      h("p.small", {}, "Difficulty of a seed = 1 − mean solo success over all agents. Circles: solo; squares: team. Bars: 95 % intervals."),
      s("svg", { class: "chart", viewBox: `0 0 ${w} 220`, role: "img", "aria-label": "Success over difficulty; the same figures are in the table below" },
        [0, 0.5, 1].map((v) => [s("line", { class: "axis", x1: left, x2: w - 15, y1: y(v), y2: y(v) }), s("text", { x: 5, y: y(v) + 4 }, percent(v)),
          s("text", { x: x(v) - 8, y: bottom + 18 }, v)]),
        s("text", { x: w / 2 - 30, y: 215 }, "difficulty"), line(curves.solo, "solo"), line(curves.team, "team")),
      h("details", {}, h("summary", {}, "The figures"), table("Success over difficulty", ["Difficulty", "Solo", "Team"],
        curves.solo.map((p, i) => h("tr", {}, h("th", { scope: "row" }, `${p[0]} .. ${p[1]}`), h("td", {}, `${percent(p[2])} (${percent(p[3])} .. ${percent(p[4])})`),
          h("td", {}, curves.team[i] ? `${percent(curves.team[i][2])} (${percent(curves.team[i][3])} .. ${percent(curves.team[i][4])})` : "–")))))];
  }

  // ---- Baseline ----

  function comparePage(query) {
    const base = head.baseline;
    if (!base) return [h("h1", {}, "Baseline"), h("p.note", {}, "This run was not held against another. Pass --collab-baseline=DIR to pytest, or --baseline DIR to `collab report`.")];
    if (base.refusal) return [h("h1", {}, "Baseline"), h("p.note", {}, base.refusal)];
    const wanted = query.get("status") || "";
    const changes = base.changes.filter((c) => !wanted || c.status === wanted);
    const points = (v) => (v === null ? "–" : percent(v));
    return [h("h1", {}, "Against the baseline"),
      h("p.lead", {}, `${base.metric.replaceAll("_", " ")} of this run minus ${base.path}, paired by seed. "Worse" and "better" are beyond noise after Holm's correction over ${base.changes.length === 1 ? "the one comparison" : `all ${base.changes.length} comparisons`}; intervals are at ${Math.round(100 * base.confidence)} % and not corrected.`),
      ...base.told.map((line) => h("p", {}, line)),
      h("ul", {}, base.pooled.map((one) => h("li", {}, h(`span.chip.${one.status}`, {}, one.status), ` ${one.family || "all tasks together"}: ${points(one.before)} → ${points(one.after)}, `, signed(one.difference), one.low === null ? null : small(` (${signed(one.low)} .. ${signed(one.high)})`), `, ${plural(one.pairs, "pair")} on ${plural(one.clusters, "seed")}`))),
      h("div.filters", {}, h("label", {}, "status", h("select", { onchange: (e) => { location.hash = link("compare", { status: e.target.value }); } },
        h("option", { value: "" }, "any"), [...new Set(base.changes.map((c) => c.status))].map((value) => h("option", { value, selected: value === wanted }, value))))),
      table("Comparisons", ["Status", "Task", "Condition", "Team", h("th.n", { scope: "col" }, "Before"), h("th.n", { scope: "col" }, "Now"), "Difference, points", h("th.n", { scope: "col" }, "Pairs"), h("th.n", { scope: "col" }, "p, corrected")],
        changes.slice(0, 500).map((c) => h("tr", {}, h("td", {}, h(`span.chip.${c.status}`, {}, c.status)),
          h("th", { scope: "row" }, h("a", { href: link("episodes", { family: c.family, task: c.task, condition: c.condition, team: c.team }) }, c.task)),
          h("td", {}, c.condition), h("td", {}, c.team), h("td.n", {}, points(c.before)), h("td.n", {}, points(c.after)),
          h("td", {}, c.difference === null ? "–" : [signed(c.difference), " ", small(`(${signed(c.low)} .. ${signed(c.high)})`), range(c.low, c.high, c.difference, -1, 1)]),
          h("td.n", {}, c.pairs), h("td.n", {}, c.p_adjusted === null ? "–" : c.p_adjusted.toPrecision(2))))),
      changes.length > 500 ? h("p.note", {}, `The first 500 of ${changes.length}.`) : null];
  }

  // ---- One episode ----

  let stage = null; // set while an episode is shown
  let current = null;

  const work = makeWork({ h, table, small, plural, short, fold: (...a) => telling.fold(...a), code: (...a) => telling.code(...a), value: (...a) => telling.value(...a) });
  const telling = makeTelling({ h, small, short, line: work.line });
  const mark = (number) => {
    const [path, colour] = head.marks[number % head.marks.length];
    return s("svg", { class: "mark", viewBox: "-8 -8 16 16", width: 16, height: 16, "aria-hidden": "true" }, s("path", { d: path, transform: "scale(6)", fill: colour }));
  };
  const one = makeEpisode({ h, table, small, short, plural, chip, dollars, link, episodeLink, telling, work, mark, outcomes: OUTCOMES,
    rowOf: (id) => rowOf.get(id), run: () => ({ at, index, head }), stage: (episode) => makeStage({ h, s, small, telling, marks: head.marks }, episode) });

  // The address keeps the turn that is shown; written late, since a browser takes only so many a second.
  function follower(id) {
    let due = null;
    return (seq) => {
      clearTimeout(due);
      due = setTimeout(() => {
        if (current === null || index.id[current] !== id) return;
        try { history.replaceState(null, "", episodeLink(id, seq)); } catch { /* where a page may not, the address stays */ }
        view.dataset.shown = location.hash;
      }, 150);
    };
  }

  async function episodePage(id, query) {
    const row = rowOf.get(id);
    if (row === undefined) return missing(`an episode ${id}`);
    current = row;
    const { kids, stage: made } = one.page(id, row, await episodeOf(row), { head, index, at, listed, moved: follower(id) });
    const wanted = query.get("at");
    return Object.assign(kids, { after: () => {
      stage = made;
      if (!made) return;
      made.placed();
      if (wanted !== null) made.goTo(Number(wanted), false);
      else made.start();
    } });
  }

  // ---- Routes ----

  const missing = (what) => [h("h1", {}, "Not here"), h("p.note", {}, `This run has not ${what}.`)];
  const PAGES = { teams: teamsPage, tasks: tasksPage, task: taskPage, episodes: episodesPage, episode: episodePage, compare: comparePage };
  let visit = 0;

  async function route() {
    const mine = ++visit;
    const [path, search] = (location.hash.replace(/^#\/?/, "") || "overview").split("?");
    let parts;
    try { parts = path.split("/").map(decodeURIComponent); } catch { parts = ["overview"]; }
    const [name, ...rest] = parts;
    if (stage) stage.stop();
    stage = current = null;
    for (const a of document.querySelectorAll("[data-page]")) {
      const here = a.dataset.page === name || (a.dataset.page === "tasks" && name === "task") || (a.dataset.page === "episodes" && name === "episode");
      if (here) a.setAttribute("aria-current", "page"); else a.removeAttribute("aria-current");
    }
    if (!Object.hasOwn(PAGES, name)) {
      if (name === "main") return;
      view.hidden = true;
      overview.hidden = false;
      if (visit > 1) window.scrollTo(0, 0);
      return;
    }
    let kids;
    try {
      await loaded;
      kids = await PAGES[name](...rest, new URLSearchParams(search || ""));
    } catch (error) {
      kids = [h("h1", {}, "This page cannot be shown"), h("p.note", {}, String(error.message || error))];
    }
    if (mine !== visit) return;
    view.replaceChildren();
    put(view, kids);
    overview.hidden = true;
    view.hidden = false;
    view.classList.toggle("wide", name === "episodes" || name === "episode");
    view.dataset.shown = location.hash;
    window.scrollTo(0, 0);
    const title = view.querySelector("h1");
    if (title) { title.tabIndex = -1; title.focus({ preventScroll: true }); document.title = `${title.textContent} · ${head ? head.name : "report"}`; }
    if (kids.after) kids.after();
  }

  // ---- Keys, theme, live ----

  const remember = (key, value) => { try { localStorage.setItem(`collab-${key}`, value); } catch { /* a page from a file may keep nothing */ } };
  const recall = (key) => { try { return localStorage.getItem(`collab-${key}`); } catch { return null; } };
  const root = document.documentElement;
  if (["light", "dark"].includes(recall("theme"))) root.dataset.theme = recall("theme");

  function toggleTheme() {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    remember("theme", root.dataset.theme);
  }

  const keys = document.getElementById("keys");
  const useKeys = document.getElementById("use-keys");
  useKeys.checked = recall("keys") !== "off";
  useKeys.addEventListener("change", () => remember("keys", useKeys.checked ? "on" : "off"));
  document.getElementById("theme").addEventListener("click", toggleTheme);
  document.getElementById("help").addEventListener("click", () => keys.showModal());
  document.getElementById("close-keys").addEventListener("click", () => keys.close());

  function neighbour(by) {
    if (!index) return;
    const rows = listed.length ? listed : [...index.id.keys()];
    const place = current === null ? (by > 0 ? -1 : 0) : rows.indexOf(current);
    location.hash = episodeLink(index.id[rows[(place + by + rows.length) % rows.length]]);
  }

  const go = (page) => () => { location.hash = `#/${page}`; };
  const KEYS = {
    o: go(""), m: go("teams"), t: go("tasks"), e: go("episodes"), c: go("compare"),
    j: () => stage && stage.stepBy(1), ArrowRight: () => stage && stage.stepBy(1),
    k: () => stage && stage.stepBy(-1), ArrowLeft: () => stage && stage.stepBy(-1),
    f: () => stage && stage.nextEvidence(), x: () => stage && stage.toggle(),
    n: () => neighbour(1), p: () => neighbour(-1),
    d: toggleTheme, "?": () => keys.showModal(),
    "/": () => {
      const search = document.getElementById("q");
      if (search && !view.hidden) search.focus();
      else { location.hash = "#/episodes"; setTimeout(() => { const box = document.getElementById("q"); if (box) box.focus(); }, 100); }
    },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
    if (event.target instanceof Element && event.target.closest("input, select, textarea")) return;
    if (!useKeys.checked && event.key.length === 1) return;
    if (event.key.startsWith("Arrow") && event.target instanceof Element && event.target.closest(".scroll, .scene")) return;
    const act = Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : null;
    if (act) { act(); event.preventDefault(); }
  });

  async function follow() {
    const banner = document.getElementById("live");
    try {
      const state = await (await fetch("state")).json();
      await loaded;
      const more = state.episodes - index.n;
      if (more > 0 || state.finished !== head.finished) {
        if (!overview.hidden) return location.reload();
        banner.replaceChildren(`${plural(more, "more episode")} played. `, h("button", { type: "button", onclick: () => location.reload() }, "Show"));
        banner.hidden = false;
      }
      if (state.finished && head.finished) return;
    } catch { banner.replaceChildren("The run's server does not answer any more."); banner.hidden = false; return; }
    setTimeout(follow, 2000);
  }

  window.addEventListener("hashchange", route);
  route();
  if (live) follow();
})();
