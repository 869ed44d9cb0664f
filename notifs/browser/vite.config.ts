import { defineConfig } from "vitest/config";
import { gallery } from "./gallery/build";
import { worker } from "./offline/build";
import { swagger } from "./swagger";
import { words } from "./words/build";

export default defineConfig({
  plugins: [swagger(), words(), worker(), gallery()],
  // The page's addresses carry ?v=hash (asset() on the server), so that the names here can stay plain.
  build: {
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
  },
});
