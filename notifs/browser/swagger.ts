/** Build step: Swagger UI for the page `/api/docs`, as files beside the bundle. */
import { readFileSync } from "node:fs";
import type { Plugin } from "vite";

const PACKAGE = "node_modules/swagger-ui-dist";
const FILES = ["swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt", "LICENSE", "NOTICE"];
const DATA = /url\((?:"data:((?:[^"\\]|\\.)*)"|data:([^)]*))\)/g;

/** The bytes and the file ending of what comes after `data:`. */
function decode(data: string): { source: Uint8Array | string; ending: string } {
  const comma = data.indexOf(",");
  const [type, text] = [data.slice(0, comma), data.slice(comma + 1)];
  const ending = /^image\/([a-z]+)/.exec(type)?.[1] ?? "bin";
  const source = type.endsWith(";base64") ? Buffer.from(text, "base64") : decodeURIComponent(text.replace(/\\(.)/g, "$1"));
  return { source, ending };
}

/** Our CSP takes images from files alone, so the images within the stylesheet become files. */
export function swagger(): Plugin {
  return {
    name: "swagger",
    generateBundle() {
      const images = new Map<string, string>();
      const css = readFileSync(`${PACKAGE}/swagger-ui.css`, "utf8").replace(DATA, (_, quoted, bare) => {
        const data: string = quoted ?? bare;
        if (!images.has(data)) {
          const { source, ending } = decode(data);
          images.set(data, `image-${images.size + 1}.${ending}`);
          this.emitFile({ type: "asset", fileName: `swagger/${images.get(data)}`, source });
        }
        return `url("${images.get(data)}")`;
      });
      this.emitFile({ type: "asset", fileName: "swagger/swagger-ui.css", source: css.replace(/\/\*# source.*$/m, "") });
      for (const name of FILES) {
        this.emitFile({ type: "asset", fileName: `swagger/${name}`, source: readFileSync(`${PACKAGE}/${name}`) });
      }
    },
  };
}
