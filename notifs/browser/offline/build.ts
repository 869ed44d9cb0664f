/** Build step: the service worker, a file of its own beside the bundle. */
import type { Plugin } from "vite";

export function worker(): Plugin {
  return {
    name: "worker",
    apply: "build",
    buildStart() {
      this.emitFile({ type: "chunk", id: "offline/worker.ts", fileName: "worker.js" });
    },
  };
}
