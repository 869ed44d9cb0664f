/** Build step: the gallery, a bundle of its own that draws with the one that is shipped. */
import { build } from "vite";
import type { Plugin } from "vite";

const NAME = "gallery";
const SHIPPED = { id: "./notifs.js", external: true };

export function gallery(): Plugin {
  return {
    name: NAME,
    apply: "build",
    async closeBundle() {
      await build({
        configFile: false,
        logLevel: "warn",
        plugins: [{ name: "shipped", enforce: "pre", resolveId: (id) => (id === "../index" ? SHIPPED : null) }],
        build: {
          target: "es2023",
          cssTarget: ["chrome123", "firefox120", "safari17.5"],
          emptyOutDir: false,
          modulePreload: false,
          copyPublicDir: false,
          rolldownOptions: {
            input: `${NAME}/index.ts`,
            output: { entryFileNames: `${NAME}.js`, assetFileNames: `${NAME}[extname]` },
          },
        },
      });
    },
  };
}
