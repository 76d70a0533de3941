import { readFile } from "node:fs/promises";
import { transformSync } from "@swc/wasm-typescript";

export async function load(url, context, next) {
  if (!url.endsWith(".ts")) return next(url, context);
  const source = await readFile(new URL(url), "utf8");
  const { code } = transformSync(source, { mode: "strip-only", filename: url });
  return { format: "module", source: code, shortCircuit: true };
}
