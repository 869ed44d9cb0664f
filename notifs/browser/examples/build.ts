/** What the tests of the examples need: their files compiled by Vue's and Svelte's own compilers. */
import type { Plugin } from "vite";

export function examples(): Plugin {
  return {
    name: "examples",
    async transform(code, id) {
      if (id.endsWith(".svelte")) {
        const { compile } = await import("svelte/compiler");
        return compile(code, { filename: id, generate: "client", dev: false }).js.code;
      }
      if (id.endsWith(".vue")) {
        const { compileScript, parse } = await import("vue/compiler-sfc");
        return compileScript(parse(code).descriptor, { id, inlineTemplate: true }).content;
      }
      return null;
    },
  };
}
