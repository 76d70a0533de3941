// Lets node run TypeScript as it is: `node --import ./tools/typescript.mjs ...`. Types are removed, not checked.
import { register } from "node:module";

register("./hooks.mjs", import.meta.url);
