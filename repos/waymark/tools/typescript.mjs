// Lets node run TypeScript as it is: `node --import ./tools/typescript.mjs ...`. Types are removed, not checked; since
// nothing but types is removed, enums, namespaces and parameter properties are errors.
import { register } from "node:module";

register("./hooks.mjs", import.meta.url);
