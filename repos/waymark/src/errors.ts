/** The pattern cannot be understood; `position` is the offset of the segment at fault. */
export class PatternError extends Error {
  readonly pattern: string;
  readonly position: number;

  constructor(message: string, pattern: string, position: number) {
    super(`${message} in ${JSON.stringify(pattern)} at ${position}`);
    this.name = "PatternError";
    this.pattern = pattern;
    this.position = position;
  }
}

/** A route cannot be added, or none has the name asked for. */
export class RouteError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "RouteError";
  }
}

/** A parameter needed for a path is missing or makes no path. */
export class ParameterError extends Error {
  readonly parameter: string;

  constructor(message: string, parameter: string) {
    super(message);
    this.name = "ParameterError";
    this.parameter = parameter;
  }
}
