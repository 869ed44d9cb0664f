import { defineConfig } from "vitest/config";
import { elements } from "./elements/build";
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

/**
 * What every page needs, and what several of the parts that come later do. The entries themselves are in neither: a page
 * may load them by more than one address, and nothing else is to be there twice.
 */
const SHARED = [
  { name: "base", tags: ["$initial" as const], test: (id: string) => !/\/(index\.ts|worker\.ts|page\.css)$/.test(id) },
  { name: "shared", minShareCount: 2 },
];

export default defineConfig(({ mode }) => ({
  plugins: mode === "headless" ? [] : [swagger(), words(), worker(), elements(), gallery(), examples()],
  // Pages name notifs.js, whose address carries ?v=hash (asset() on the server) or none; what it is made of has its hash
  // in its name, so that nothing is ever loaded twice.
  build: mode === "headless" ? headless : {
    target: "es2023",
    // light-dark() and oklch() go to the browser as they are written.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    license: { fileName: "LICENSES.md" },
    modulePreload: false,
    rolldownOptions: {
      input: ["index.ts", "styles/page.css"],
      preserveEntrySignatures: "strict",
      output: {
        entryFileNames: "notifs.js",
        chunkFileNames: "parts/[name]-[hash].js",
        assetFileNames: "notifs[extname]",
        codeSplitting: { groups: SHARED },
      },
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
