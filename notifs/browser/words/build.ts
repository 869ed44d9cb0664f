/** Build step: all catalogues but English, which is in the bundle, as files beside it, which it knows by their hash. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { Plugin } from "vite";

export function words(): Plugin {
  const names = readdirSync("words").flatMap((file) => /^(?!en\.)(.+)\.json$/.exec(file)?.[1] ?? []);
  const read = (name: string): string => JSON.stringify(JSON.parse(readFileSync(`words/${name}.json`, "utf8")));
  const texts = new Map(names.map((name) => [name, read(name)]));
  // The same that asset() of the server reckons, so that a page can ask for it ahead of us.
  const hash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 12);
  const hashes = Object.fromEntries([...texts].map(([name, text]) => [name, hash(text)]));
  return {
    name: "words",
    config: () => ({ define: { CATALOGUES: JSON.stringify(hashes) } }),
    generateBundle() {
      for (const [name, source] of texts) this.emitFile({ type: "asset", fileName: `words/${name}.json`, source });
    },
  };
}
