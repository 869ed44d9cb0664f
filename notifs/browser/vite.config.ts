import { defineConfig } from "vitest/config";
import { examples } from "./examples/build";
import { gallery } from "./gallery/build";
import { worker } from "./offline/build";
import { swagger } from "./swagger";
import { words } from "./words/build";

/** `vite build --mode headless` makes the file for those who draw their own. It has nothing of others in it. */
const headless = {
  target: "es2023",
  emptyOutDir: false,
  copyPublicDir: false,
  rolldownOptions: {
    input: "headless.ts",
    preserveEntrySignatures: "strict",
    output: { entryFileNames: "headless.js" },
  },
} as const;

export default defineConfig(({ mode }) => ({
  plugins: mode === "headless" ? [] : [swagger(), words(), worker(), gallery(), examples()],
  // The page's addresses carry ?v=hash (asset() on the server), so that the names here can stay plain.
  build: mode === "headless" ? headless : {
    target: "es2023",
    // light-dark() and oklch() go to the browser as they are written.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    license: { fileName: "LICENSES.md" },
    modulePreload: false,
    rolldownOptions: {
      input: "index.ts",
      preserveEntrySignatures: "strict",
      output: { entryFileNames: "notifs.js", assetFileNames: "notifs[extname]" },
    },
  },
  test: {
    environment: "happy-dom",
    // With a server to talk to, the tests that need one; see tests/e2e/test_convergence.py.
    include: process.env["NOTIFS_URL"] ? ["tests/*.live.ts"] : ["tests/*.test.ts"],
    // Two cores: one worker is quicker than two that wait for each other.
    maxWorkers: 1,
    // To import everything for each file anew takes twice as long as the tests do.
    isolate: false,
    // The examples name the file as a page does that maps the name to it.
    alias: { "notifs/headless": new URL("headless.ts", import.meta.url).pathname },
    server: { deps: { inline: ["svelte"] } },
  },
  ...(process.env["VITEST"] ? { resolve: { conditions: ["browser", "module", "import", "default"] } } : {}),
}));
