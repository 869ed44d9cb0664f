/** Build step: what makes the elements' script smaller. */
import type { Plugin } from "vite";

/** Vite fetches style sheets before a part that has some: ours have none. */
const HELPER = "vite/preload-helper.js";

export function elements(): Plugin {
  return {
    name: "elements",
    apply: "build",
    enforce: "pre",
    load: (id) => (id.endsWith(HELPER) ? "export const __vitePreload = (fetch) => fetch();" : null),
    transform(code, id) {
      return /\/elements\/[\w-]+\.ts$/.test(id) ? { code: code.replace(/\n\s+/g, "\n"), map: null } : null;
    },
  };
}
