export { ParameterError, PatternError, RouteError } from "./errors.ts";
export { allowed, dispatch, methods } from "./methods.ts";
export type { Dispatch, Methods } from "./methods.ts";
export type { Params } from "./pattern.ts";
export { Router } from "./router.ts";
export type { Match, RouteOptions } from "./router.ts";
