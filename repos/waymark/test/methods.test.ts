import assert from "node:assert/strict";
import { test } from "node:test";

import { allowed, dispatch, methods, Router, RouteError, type Methods } from "../src/index.ts";

function router(): Router<Methods<string>> {
  return new Router<Methods<string>>()
    .add("/users", methods({ GET: "list", POST: "create" }))
    .add("/users/:id", methods({ GET: "show", HEAD: "peek" }))
    .add("/jobs", methods({ POST: "start" }));
}

test("a request finds the handler of its method", () => {
  const found = dispatch(router(), "POST", "/users?x=1");
  assert.equal(found.status, 200);
  assert.equal(found.status === 200 && found.handler, "create");
  const shown = dispatch(router(), "GET", "/users/7");
  assert.deepEqual(shown.status === 200 && shown.match.params, { id: "7" });
});

test("HEAD falls back on GET", () => {
  const list = dispatch(router(), "HEAD", "/users");
  assert.equal(list.status === 200 && list.handler, "list");
  const peek = dispatch(router(), "HEAD", "/users/7");
  assert.equal(peek.status === 200 && peek.handler, "peek");
  assert.deepEqual(dispatch(router(), "HEAD", "/jobs"), { status: 405, allow: ["OPTIONS", "POST"] });
});

test("other methods are told what is allowed", () => {
  assert.deepEqual(dispatch(router(), "DELETE", "/users"), { status: 405, allow: ["GET", "HEAD", "OPTIONS", "POST"] });
  assert.deepEqual(dispatch(router(), "OPTIONS", "/jobs"), { status: 204, allow: ["OPTIONS", "POST"] });
  assert.deepEqual(dispatch(router(), "GET", "/nowhere"), { status: 404 });
});

test("methods are written in capitals", () => {
  assert.throws(() => methods({ get: "list" }), RouteError);
  assert.throws(() => methods({}), RouteError);
  assert.deepEqual(allowed(methods({ PUT: "change" })), ["OPTIONS", "PUT"]);
});
