/**
 * Build step: all catalogues but English, which is in the bundle, as files beside it, which it knows by their hash. Of the
 * English ones what only a part of the script says comes with that: as `en.json?PART`, and the rest as `en.json?first`.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { Plugin } from "vite";

/** By part, how the names of its words begin. */
const LATER: Readonly<Record<string, readonly string[]>> = {
  alerting: ["alerts", "toasts"],
  triage: ["bar", "done", "keys", "snooze"],
};

function english(part: string): Record<string, string> {
  const all = Object.entries(JSON.parse(readFileSync("words/en.json", "utf8")) as Record<string, string>);
  const heads = LATER[part] ?? Object.values(LATER).flat();
  return Object.fromEntries(all.filter(([name]) => heads.includes(name.split(".")[0] ?? "") === part in LATER));
}

export function words(): Plugin {
  const names = readdirSync("words").flatMap((file) => /^(?!en\.)(.+)\.json$/.exec(file)?.[1] ?? []);
  const read = (name: string): string => JSON.stringify(JSON.parse(readFileSync(`words/${name}.json`, "utf8")));
  const texts = new Map(names.map((name) => [name, read(name)]));
  // The same that asset() of the server reckons, so that a page can ask for it ahead of us.
  const hash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 12);
  const hashes = Object.fromEntries([...texts].map(([name, text]) => [name, hash(text)]));
  return {
    name: "words",
    enforce: "pre",
    load(id) {
      const [, part] = /\/words\/en\.json\?(\w+)$/.exec(id) ?? [];
      return part === undefined ? null : { code: `export default ${JSON.stringify(english(part))}`, moduleType: "js" };
    },
    config: () => ({ define: { CATALOGUES: JSON.stringify(hashes) } }),
    generateBundle() {
      for (const [name, source] of texts) this.emitFile({ type: "asset", fileName: `words/${name}.json`, source });
    },
  };
}
