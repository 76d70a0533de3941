import { RouteError } from "./errors.ts";
import { joinPath, splitPath } from "./path.ts";
import {
  fillSegments,
  matchSegments,
  parsePattern,
  type Params,
  type Segment,
} from "./pattern.ts";

/** What a path was matched to. */
export interface Match<Handler> {
  readonly handler: Handler;
  readonly params: Params;
  readonly pattern: string;
  readonly name: string | undefined;
}

/** What may be said about a route when it is added. */
export interface RouteOptions {
  /** The name that `url` knows it by. */
  readonly name?: string;
}

interface Route<Handler> {
  readonly pattern: string;
  readonly segments: readonly Segment[];
  readonly handler: Handler;
  readonly name: string | undefined;
}

/** Routes, in the order in which they were added. */
export class Router<Handler> {
  readonly #routes: Route<Handler>[] = [];
  readonly #named = new Map<string, Route<Handler>>();

  /** Add a route; throws `PatternError`, and `RouteError` where the name is taken. */
  add(pattern: string, handler: Handler, options: RouteOptions = {}): this {
    const { name } = options;
    const segments = parsePattern(pattern);
    this.#requireUnused(name);
    const route = { pattern, segments, handler, name };
    this.#routes.push(route);
    if (name !== undefined) this.#named.set(name, route);
    return this;
  }

  /** Find the route of a path. */
  match(path: string): Match<Handler> | undefined {
    const parts = splitPath(path);
    if (parts === undefined) return undefined;
    for (const { pattern, segments, handler, name } of this.#routes) {
      const params = matchSegments(segments, parts);
      if (params !== undefined) return { handler, params, pattern, name };
    }
    return undefined;
  }

  /** The patterns of all routes, in the order in which they were added. */
  get patterns(): string[] {
    return this.#routes.map((route) => route.pattern);
  }

  /** Build the path of a named route; throws `RouteError` for an unknown name, and `ParameterError`. */
  url(name: string, params: Params = {}): string {
    const route = this.#named.get(name);
    if (route === undefined) throw new RouteError(`there is no route named ${name}`);
    return joinPath(fillSegments(route.segments, params));
  }

  #requireUnused(name: string | undefined): void {
    if (name !== undefined && this.#named.has(name)) {
      throw new RouteError(`there is a route named ${name} already`);
    }
  }
}
