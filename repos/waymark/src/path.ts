/** Cut a path into its decoded segments, without query and fragment; undefined where an escape is broken. */
export function splitPath(path: string): string[] | undefined {
  const end = path.search(/[?#]/);
  const bare = end === -1 ? path : path.slice(0, end);
  try {
    return bare
      .split("/")
      .filter((part) => part !== "")
      .map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

/** Join segments to a path, each encoded so that it stays one segment. */
export function joinPath(parts: readonly string[]): string {
  return `/${parts.map(encodeURIComponent).join("/")}`;
}
