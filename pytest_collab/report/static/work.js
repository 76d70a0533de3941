"use strict";
// Paired work in one repository: the diffs side by side, the merge with its conflicts, and what the tests said.
// It reads `grade` events by their `what`, and builds nodes with the tools that it is given; it parses no markup.
// eslint-disable-next-line no-unused-vars
function makeWork({ h, table, small, fold, code, value, plural, short }) {
  const CONTEXT = 2; // lines shown around those that differ, in a conflict
  const SHORT_RUN = 3; // so many lines that both sides have are not folded away
  const MOST_WORDS = 120; // of a line that is compared word by word, and how many lines it is compared with
  const MOST_COMPARED = 60;
  const OPEN_LINES = 120; // diffs of fewer lines, of files that more than one touched, are open from the start
  const WAYS = { own: "alone", naive: "merged", union: "merged, keeping both sides", last: "as the last one left it", lead: "as the lead left it" };
  const way = (on) => WAYS[on] || on;
  const kinds = ["base", "work", "overlap", "merge", "tests", "integrated"];
  const total = (stat, key) => Object.values(stat || {}).reduce((sum, one) => sum + (one[key] || 0), 0);
  const size = (stat) => [plural(Object.keys(stat || {}).length, "file"), " ", h("span.add", {}, `+${total(stat, "added")}`), " ", h("span.del", {}, `−${total(stat, "removed")}`)];

  // One line for an event, in the dialogue and on the buttons that lead to evidence.
  function line(data) {
    if (data.what === "work") return `work: ${(data.features || []).join(", ")}, ${plural(Object.keys(data.stat || {}).length, "file")} +${total(data.stat, "added")} −${total(data.stat, "removed")}`;
    if (data.what === "merge") return `merge (${data.strategy}): ${data.status}${data.conflicts && data.conflicts.length ? ` in ${data.conflicts.map((c) => c.path).join(", ")}` : ""}`;
    if (data.what === "tests") return `tests of ${data.feature}, ${way(data.on)}: ${data.passed ? "pass" : `fail${data.summary ? ` (${data.summary})` : ""}`}`;
    if (data.what === "overlap") return `both rewrote ${plural((data.places || []).length, "region")}`;
    if (data.what === "base") return `the base: ${plural((data.files || []).length, "file")}`;
    return null;
  }

  function section(events, nameOf) {
    const grades = events.filter((e) => e.kind === "grade");
    if (!grades.length) return null;
    const of = (what) => grades.filter((e) => e.data.what === what);
    const rest = grades.filter((e) => !kinds.includes(e.data.what));
    const [works, merges, tests] = [of("work"), of("merge"), of("tests")];
    const touched = works.flatMap((e) => Object.keys(e.data.stat || {}));
    const shared = new Set(touched.filter((path, i) => works.length < 2 || touched.indexOf(path) !== i));
    return [h("h2", {}, "Work and tests"),
      tests.length ? testTable(tests) : null,
      merges.map((e) => merge(e.data, nameOf, new Map(works.map((w) => [w.seat, w.data.diff || ""])))),
      works.length ? [h("h3", {}, "What each did"), h("div.sides", {}, works.map((e) => work(e, nameOf, shared)))] : null,
      rest.map((e) => h("div.card", {}, h("h3", {}, `#${e.seq}${e.seat ? ` seat ${e.seat}` : ""}`), value(e.data)))];
  }

  // ---- Tests ----

  function testTable(tests) {
    const ways = [...new Set(tests.map((e) => e.data.on))];
    const features = [...new Set(tests.map((e) => e.data.feature))];
    const find = (feature, on) => tests.find((e) => e.data.feature === feature && e.data.on === on);
    return table("Tests", ["Feature", ...ways.map(way)], features.map((feature) => h("tr", {},
      h("th", { scope: "row" }, feature), ways.map((on) => h("td", {}, result(find(feature, on)))))));
  }

  function result(event) {
    if (!event) return small("not run");
    const { data } = event;
    const share = ([good, all] = [0, 0]) => `${good} of ${all}`;
    const broken = Object.entries(data.tests || {}).filter(([, status]) => status !== "passed" && status !== "skipped");
    return [h(`span.chip.${data.passed ? "better" : "worse"}`, {}, data.passed ? "pass" : "fail"), " ", small(`#${event.seq}`),
      h("div", {}, small(`its own tests ${share(data.fail_to_pass)}, those that were there ${share(data.pass_to_pass)}`)),
      data.summary ? h("div", {}, data.summary) : null,
      data.timed_out ? h("div", {}, "ran out of time") : null,
      broken.length ? fold(`${plural(broken.length, "test")} not passed`, () => h("ul", {}, broken.slice(0, 100).map(([name, status]) => h("li", {}, h("code", {}, name), ` ${status}`)))) : null,
      !data.passed && data.tail ? fold("the runner's last words", () => h("pre", {}, data.tail)) : null];
  }

  // ---- Merge ----

  function merge(data, nameOf, diffs) {
    const [first, second] = data.seats || ["", ""];
    const conflicts = data.conflicts || [];
    const clean = data.status === "clean";
    return h("div.card.merge", {},
      h("h3", {}, data.strategy === "union" ? "Merge that keeps both sides " : "Merge ", h(`span.chip.${clean ? "better" : "worse"}`, {}, data.status)),
      data.message ? h("p", {}, data.message) : null,
      (data.rescued || []).length ? h("p", {}, "Without conflict only because both sides were kept, in ", data.rescued.join(", "), ".") : null,
      conflicts.map((place) => [h("h4", {}, h("code", {}, place.path), " ", small(String(place.kind).replaceAll("_", " "))),
        place.hunks.map((hunk) => {
          const most = hunk.ours.length + hunk.theirs.length;
          const base = baseOf(diffs.get(first), place.path, hunk.ours, most) || baseOf(diffs.get(second), place.path, hunk.theirs, most);
          return h(base ? "div.sides.three" : "div.sides", {},
            side(`${nameOf(first)}, from line ${hunk.line}`, hunk.ours, hunk.theirs, "ours", base),
            base ? side("the base", base, [...hunk.ours, ...hunk.theirs], "base") : null,
            side(nameOf(second), hunk.theirs, hunk.ours, "theirs", base));
        })]),
      data.diff ? fold("what the merge comes to", () => code(data.diff)) : null);
  }

  // What the base had where one side has `lines`: read off that side's diff, null where the diff does not show it all.
  // A side that rewrote a whole file says nothing of which part stood there.
  function baseOf(diff, path, lines, most) {
    const file = split(diff || "").find(([name]) => name === path);
    if (!file || !lines.length) return null;
    for (const hunk of file[1].split(/^@@ .*$/m).slice(1)) {
      const rows = hunk.split("\n").slice(1).filter((row) => /^[ +-]/.test(row));
      const own = rows.map((row, i) => [row, i]).filter(([row]) => row[0] !== "-");
      const at = own.findIndex((_, k) => lines.every((text, j) => own[k + j] && own[k + j][0].slice(1) === text));
      if (at < 0) continue;
      let from = own[at][1];
      const to = own[at + lines.length - 1][1];
      while (from > 0 && rows[from - 1][0] === "-") from -= 1;
      const base = rows.slice(from, to + 1).filter((row) => row[0] !== "+").map((row) => row.slice(1));
      if (base.length <= most) return base;
    }
    return null;
  }

  // A side of a conflict: what only it has stands out, word by word where the base or the other has a line much like it;
  // what both have is folded away.
  function side(title, lines, others, kind, base = null) {
    const bare = (text) => text.trim();
    const same = new Set(others.map(bare));
    const differs = lines.map((text) => bare(text) !== "" && !same.has(bare(text)));
    const blank = !differs.includes(true) && lines.length && lines.join("\n") !== others.join("\n");
    const near = (i) => differs.slice(Math.max(0, i - CONTEXT), i + CONTEXT + 1).includes(true);
    const runs = [];
    lines.forEach((text, i) => {
      const shown = near(i);
      if (!runs.length || runs[runs.length - 1].shown !== shown) runs.push({ shown, lines: [] });
      runs[runs.length - 1].lines.push([text, differs[i]]);
    });
    const against = (base || others).filter((text) => bare(text));
    const show = (some) => some.map(([text, own]) => h(own ? "span.differs" : "span", {}, own && kind !== "base" ? wordwise(text, against) : text || " "));
    return h("div", {}, small(title, blank && kind === "theirs" ? " (only white space differs)" : ""),
      h(`pre.side.${kind}`, {}, lines.length ? runs.map((run) => (run.shown || run.lines.length <= SHORT_RUN ? show(run.lines)
        : fold(`${plural(run.lines.length, "line")} that ${base || kind === "base" ? "others" : "both"} have`, () => h("div", {}, show(run.lines))))) : h("span", {}, "(nothing)")));
  }

  const words = (text) => (text.match(/\w+|\s+|[^\w\s]/g) || []).slice(0, MOST_WORDS);

  // A line with the words marked that the line most like it does not have in their place.
  function wordwise(text, against) {
    const own = words(text);
    let [best, kept] = [0.6, null];
    const spoken = (some) => some.filter((word) => /\w/.test(word)).length;
    for (const other of against.slice(0, MOST_COMPARED)) {
      const common = subsequence(own, words(other));
      const share = (2 * spoken(own.filter((_, i) => common.has(i)))) / (spoken(own) + spoken(words(other)) || 1);
      if (share > best) [best, kept] = [share, common];
    }
    if (!kept || own.join("") !== text) return text;
    return own.map((word, i) => (kept.has(i) || !word.trim() ? word : h("mark", {}, word)));
  }

  // The places in `a` of a longest common subsequence with `b`.
  function subsequence(a, b) {
    const length = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
    for (let i = a.length - 1; i >= 0; i--) for (let j = b.length - 1; j >= 0; j--) length[i][j] = a[i] === b[j] ? length[i + 1][j + 1] + 1 : Math.max(length[i + 1][j], length[i][j + 1]);
    const found = new Set();
    for (let i = 0, j = 0; i < a.length && j < b.length;) {
      if (a[i] === b[j]) { found.add(i); i++; j++; } else if (length[i + 1][j] >= length[i][j + 1]) i++; else j++;
    }
    return found;
  }

  // ---- Work ----

  function work(event, nameOf, shared) {
    const { data } = event;
    const files = split(data.diff || "");
    return h("div.card", {},
      h("h4", {}, nameOf(event.seat), ": ", (data.features || []).join(", "), " ", small(`#${event.seq}`)),
      h("p.small", {}, size(data.stat), data.whole === false ? ", of which the diff shows a part" : ""),
      files.length ? files.map(([path, text]) => {
        const lines = text.split("\n").length;
        const stat = (data.stat || {})[path];
        const node = fold(h("span", {}, h("code", {}, short(path, 80)), " ", stat ? small(h("span.add", {}, `+${stat.added}`), " ", h("span.del", {}, `−${stat.removed}`)) : null), () => code(text));
        if (lines <= OPEN_LINES && shared.has(path)) node.open = true;
        return node;
      }) : h("p.small", {}, "changed nothing"),
      Object.keys(data.skipped || {}).length ? fold("left out", () => value(data.skipped)) : null);
  }

  function split(diff) {
    const parts = diff.split(/^(?=diff --git )/m).filter((part) => part.trim());
    return parts.map((part) => {
      const match = /^\+\+\+ (?:b\/)?(.*)$/m.exec(part);
      const named = match && match[1] !== "/dev/null" ? match[1] : (/^diff --git a\/(.*?) b\//.exec(part) || ["", "diff"])[1];
      return [named.trim(), part];
    });
  }

  return { section, line };
}
