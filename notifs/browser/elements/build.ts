/** Build step: what makes the elements' script smaller. */
import type { Plugin } from "vite";

/** By which Vite would fetch the style sheets of a part before it: ours have none. */
const HELPER = "vite/preload-helper.js";

/** What a browser need not know of a template: that one element is below the other, one attribute, or the end of a tag. */
const BETWEEN = /(?<=[>}])\n\s+(?=<|\$\{)|\n\s*(?=\/?>)/g;
const ATTRIBUTES = /\n\s+(?=[@.?]?[\w-]+=["$])/g;
const INDENT = /\n\s+/g;

function tight(code: string): string {
  return code.replace(BETWEEN, "").replace(ATTRIBUTES, " ").replace(INDENT, "\n");
}

export function elements(): Plugin {
  return {
    name: "elements",
    apply: "build",
    enforce: "pre",
    load: (id) => (id.endsWith(HELPER) ? "export const __vitePreload = (fetch) => fetch();" : null),
    transform(code, id) {
      return /\/elements\/[\w-]+\.ts$/.test(id) ? { code: tight(code), map: null } : null;
    },
  };
}
