import { RouteError } from "./errors.ts";
import type { Match, Router } from "./router.ts";

/** The handlers of one route, by HTTP method in capitals. */
export type Methods<Handler> = ReadonlyMap<string, Handler>;

/** What came of a request: a handler, or the reason why there is none. */
export type Dispatch<Handler> =
  | { readonly status: 200; readonly handler: Handler; readonly match: Match<Methods<Handler>> }
  | { readonly status: 204 | 405; readonly allow: readonly string[] }
  | { readonly status: 404 };

const METHOD = /^[A-Z]+$/;

/** Make the handlers of a route, as in `methods({ GET: show, PUT: change })`; throws `RouteError`. */
export function methods<Handler>(handlers: Record<string, Handler>): Methods<Handler> {
  const entries = Object.entries(handlers);
  if (entries.length === 0) throw new RouteError("a route needs a method");
  for (const [method] of entries) {
    if (!METHOD.test(method)) throw new RouteError(`${JSON.stringify(method)} is no method: write it in capitals`);
  }
  return new Map(entries);
}

/**
 * Find the handler of a request.
 *
 * HEAD is answered by the handler of GET where it has none of its own, and OPTIONS with 204 and the methods allowed.
 */
export function dispatch<Handler>(router: Router<Methods<Handler>>, method: string, path: string): Dispatch<Handler> {
  const match = router.match(path);
  if (match === undefined) return { status: 404 };
  const handler = match.handler.get(method) ?? (method === "HEAD" ? match.handler.get("GET") : undefined);
  if (handler !== undefined) return { status: 200, handler, match };
  return { status: method === "OPTIONS" ? 204 : 405, allow: allowed(match.handler) };
}

/** The methods that a route answers to, sorted. */
export function allowed<Handler>(handlers: Methods<Handler>): string[] {
  const names = new Set(["OPTIONS", ...handlers.keys()]);
  if (names.has("GET")) names.add("HEAD");
  return [...names].sort();
}
