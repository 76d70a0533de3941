import assert from "node:assert/strict";
import { test } from "node:test";

import { ParameterError, PatternError, type Params } from "../src/index.ts";
import { joinPath, splitPath } from "../src/path.ts";
import { fillSegments, matchSegments, namesOf, parsePattern } from "../src/pattern.ts";

test("a pattern is read segment by segment", () => {
  assert.deepEqual(parsePattern("/users/:id/posts"), [
    { kind: "static", text: "users" },
    { kind: "param", name: "id" },
    { kind: "static", text: "posts" },
  ]);
  assert.deepEqual(parsePattern("/"), []);
  assert.deepEqual(parsePattern("//users/"), [{ kind: "static", text: "users" }]);
});

test("mistakes in a pattern say where", () => {
  for (const [pattern, position] of [
    ["users", 0],
    ["/users/:", 7],
    ["/users/:2nd", 7],
    ["/a/:id/:id", 7],
  ] as const) {
    assert.throws(
      () => parsePattern(pattern),
      (error) => error instanceof PatternError && error.position === position && error.pattern === pattern,
    );
  }
});

test("names come in order", () => {
  assert.deepEqual(namesOf(parsePattern("/:b/x/:a")), ["b", "a"]);
});

test("segments match one to one", () => {
  const segments = parsePattern("/users/:id");
  assert.deepEqual(matchSegments(segments, ["users", "7"]), { id: "7" });
  assert.equal(matchSegments(segments, ["users"]), undefined);
  assert.equal(matchSegments(segments, ["users", "7", "x"]), undefined);
  assert.equal(matchSegments(segments, ["Users", "7"]), undefined);
});

test("parameters have to be given", () => {
  const segments = parsePattern("/users/:id");
  assert.deepEqual(fillSegments(segments, { id: "7", other: "x" }), ["users", "7"]);
  for (const params of [{}, { id: "" }] as Params[]) {
    assert.throws(
      () => fillSegments(segments, params),
      (error) => error instanceof ParameterError && error.parameter === "id",
    );
  }
});

test("paths are decoded and encoded", () => {
  assert.deepEqual(splitPath("/a%20b//c%2Fd/?q=1#x"), ["a b", "c/d"]);
  assert.equal(splitPath("/%zz"), undefined);
  assert.deepEqual(splitPath("/"), []);
  assert.equal(joinPath(["a b", "c/d"]), "/a%20b/c%2Fd");
  assert.equal(joinPath([]), "/");
});
