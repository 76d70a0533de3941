import assert from "node:assert/strict";
import { test } from "node:test";

import { ParameterError, Router, RouteError } from "../src/index.ts";

function router(): Router<string> {
  return new Router<string>()
    .add("/", "home", { name: "home" })
    .add("/users", "everyone", { name: "users" })
    .add("/users/:id", "one", { name: "user" })
    .add("/users/:id/posts/:post", "post");
}

test("a path is matched to its route", () => {
  assert.deepEqual(router().match("/users/7"), {
    handler: "one",
    params: { id: "7" },
    pattern: "/users/:id",
    name: "user",
  });
  assert.deepEqual(router().match("/users/7/posts/first")?.params, { id: "7", post: "first" });
  assert.equal(router().match("/")?.handler, "home");
  assert.equal(router().match("/users/7/posts/first")?.name, undefined);
});

test("query, fragment and the slash at the end make no difference", () => {
  assert.equal(router().match("/users/?page=2")?.handler, "everyone");
  assert.deepEqual(router().match("//users/7/#top")?.params, { id: "7" });
});

test("what fits nothing is not matched", () => {
  for (const path of ["/nowhere", "/users/7/posts", "/users/%zz", "/USERS"]) {
    assert.equal(router().match(path), undefined);
  }
});

test("parameters arrive decoded", () => {
  assert.deepEqual(router().match("/users/a%20b%2Fc")?.params, { id: "a b/c" });
});

test("paths are built from names", () => {
  assert.equal(router().url("home"), "/");
  assert.equal(router().url("user", { id: "a b/c" }), "/users/a%20b%2Fc");
  assert.throws(() => router().url("nobody"), RouteError);
  assert.throws(() => router().url("user"), ParameterError);
});

test("a name is given once", () => {
  const routes = router();
  assert.throws(() => routes.add("/people", "people", { name: "users" }), RouteError);
  assert.equal(routes.match("/people"), undefined);
});

test("patterns are listed in order", () => {
  assert.deepEqual(router().patterns, ["/", "/users", "/users/:id", "/users/:id/posts/:post"]);
});

test("of two routes alike the first holds", () => {
  const routes = new Router<string>().add("/:a", "first").add("/:b", "second");
  assert.equal(routes.match("/x")?.handler, "first");
});
