import { ParameterError, PatternError } from "./errors.ts";

/** What the parameters of a route came out as, or are to be built from. */
export type Params = Record<string, string>;

/** One segment of a pattern. */
export type Segment = StaticSegment | ParamSegment;

/** Matches its own text. */
export interface StaticSegment {
  readonly kind: "static";
  readonly text: string;
}

/** Matches any one segment. */
export interface ParamSegment {
  readonly kind: "param";
  readonly name: string;
}

const NAME = /^[A-Za-z_]\w*$/;

/** Read a pattern; throws `PatternError`. */
export function parsePattern(pattern: string): Segment[] {
  if (!pattern.startsWith("/")) {
    throw new PatternError("a pattern begins with a slash, missing", pattern, 0);
  }
  const segments: Segment[] = [];
  let position = 1;
  for (const text of pattern.slice(1).split("/")) {
    if (text !== "") {
      segments.push(parseSegment(text, pattern, position));
    }
    position += text.length + 1;
  }
  requireDistinctNames(segments, pattern);
  return segments;
}

function parseSegment(text: string, pattern: string, position: number): Segment {
  if (text.startsWith(":")) {
    const name = text.slice(1);
    if (!NAME.test(name)) {
      throw new PatternError(`${JSON.stringify(name)} is no name for a parameter`, pattern, position);
    }
    return { kind: "param", name };
  }
  return { kind: "static", text };
}

/** Throw `PatternError` where a name occurs twice. */
export function requireDistinctNames(segments: readonly Segment[], pattern: string): void {
  const seen = new Set<string>();
  for (const name of namesOf(segments)) {
    if (seen.has(name)) {
      throw new PatternError(`the name ${name} occurs twice`, pattern, pattern.lastIndexOf(name) - 1);
    }
    seen.add(name);
  }
}

/** The names of all parameters, in order. */
export function namesOf(segments: readonly Segment[]): string[] {
  return segments.flatMap((segment) => (segment.kind === "static" ? [] : [segment.name]));
}

/** Match the segments of a path; undefined where they do not fit. */
export function matchSegments(segments: readonly Segment[], parts: readonly string[]): Params | undefined {
  if (segments.length !== parts.length) return undefined;
  const params: Params = {};
  for (const [index, segment] of segments.entries()) {
    const part = parts[index]!;
    if (segment.kind === "static") {
      if (segment.text !== part) return undefined;
    } else {
      params[segment.name] = part;
    }
  }
  return params;
}

/** Fill in the parameters; throws `ParameterError` where one is missing or empty. */
export function fillSegments(segments: readonly Segment[], params: Params): string[] {
  return segments.map((segment) => {
    if (segment.kind === "static") return segment.text;
    const value = params[segment.name];
    if (value === undefined || value === "") {
      throw new ParameterError(`the parameter ${segment.name} is missing`, segment.name);
    }
    return value;
  });
}
