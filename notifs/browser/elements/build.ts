/** Build step: what makes the elements' script smaller. */
import type { Plugin } from "vite";

/** By which Vite would fetch the style sheets of a part before it: ours have none. */
const HELPER = "vite/preload-helper.js";

/** How a template's lines are indented is nothing that a browser need know. */
const INDENT = /\n\s+/g;

export function elements(): Plugin {
  return {
    name: "elements",
    apply: "build",
    enforce: "pre",
    load: (id) => (id.endsWith(HELPER) ? "export const __vitePreload = (fetch) => fetch();" : null),
    transform(code, id) {
      return /\/elements\/[\w-]+\.ts$/.test(id) ? { code: code.replace(INDENT, "\n"), map: null } : null;
    },
  };
}
