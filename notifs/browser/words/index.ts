/**
 * What the elements say, in the page's language. `en.json` holds all of it, by element; every other catalogue has its
 * keys, and is a file of its own beside the bundle. The server's pages say the same words from the same files. What only
 * a part of the script says in English comes with it (build.ts).
 */
import type all from "./en.json";
import en from "./en.json?first";

type Key = keyof typeof all;
type Stem<Each> = Each extends `${infer Word}_${"one" | "other"}` ? Word : Each;
/** What can be said. The forms of a plural, of which `n` picks one, are one word. */
export type Word = Stem<Key>;
export type Values = Readonly<Record<string, string | number>>;
type Catalogue = Readonly<Record<string, string>>;

/** Milliseconds to wait for a catalogue: until then there are no elements at all. */
const PATIENCE = 3_000;

/** By name, what becomes part of a catalogue's address; put in by the build. */
declare const CATALOGUES: Catalogue;

let words: Catalogue = en;
let plurals = new Intl.PluralRules("en");
/** What `Intl` is to write in: the page's language and region, with the digits that our own words have. */
export let locale = localeOf("en");

/** The English words of a part of the script that has come: where they are told in another language they are known. */
export function learn(more: Catalogue): void {
  words = { ...more, ...words };
}

/** The words, with `{name}` replaced by `values.name`. */
export function t(word: Word, values: Values = {}): string {
  const text = words[`${word}_${plurals.select(Number(values["n"]))}`] ?? words[word] ?? word;
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

/** Why something was refused, by the error's code; the server's own words if it has none of ours. */
export function reason(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return words[`error.${String(code)}`] ?? sentence(String(message ?? error));
}

/**
 * Takes the language of `<html lang>`, or what it is a kind of (`de-AT` is `de`), if there is a catalogue; else all
 * stays English. Ask before the first element is drawn: what is on the page does not change its language.
 */
export async function speak(lang: string): Promise<void> {
  const name = catalogueOf(lang);
  if (name === null) return;
  try {
    const rules = new Intl.PluralRules(lang);
    if (name !== "en") words = await fetchWords(name);
    plurals = rules;
    locale = localeOf(lang);
  } catch {
    // The tag is malformed, or the catalogue does not come: English words are better than none.
  }
}

/** The most exact one that there is. */
function catalogueOf(lang: string): string | null {
  for (let parts = lang.toLowerCase().split("-"); parts.length > 0; parts = parts.slice(0, -1)) {
    const name = parts.join("-");
    if (name === "en" || Object.hasOwn(CATALOGUES, name)) return name;
  }
  return null;
}

async function fetchWords(name: string): Promise<Catalogue> {
  // From where this module is, in `parts`, which may be another host than the page's.
  const here = import.meta.url;
  const url = new URL(`../words/${name}.json?v=${CATALOGUES[name]}`, here);
  const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE) });
  if (!response.ok) throw new Error(`${response.status}`);
  return (await response.json()) as Catalogue;
}

function localeOf(lang: string): string {
  return `${lang === "en" ? "en-GB" : lang}-u-nu-latn`;
}

/** The server's errors are clauses without a capital or a full stop; here they stand alone. */
function sentence(clause: string): string {
  return clause.charAt(0).toUpperCase() + clause.slice(1) + (/[.?]$/.test(clause) ? "" : ".");
}
