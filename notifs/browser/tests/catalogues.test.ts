/** The words of the elements: every language says all that English does, and nothing is said past the catalogues. */
import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";

import { afterEach, describe, expect, test, vi } from "vitest";

import { reason } from "../words";
import en from "../words/en.json";

type Catalogue = Record<string, string>;
interface Names {
  readonly weekdays: string[];
  readonly months: string[];
  readonly date: string;
  readonly date_and_year: string;
}

const NOW = new Date(2026, 5, 23, 14, 5).getTime();
const PLURAL = /_(zero|one|two|few|many|other)$/;
const LANGUAGES = globSync("words/*.json").map((file) => basename(file, ".json"));
const read = (file: string): string => readFileSync(file, "utf8");
const catalogue = (language: string): Catalogue => JSON.parse(read(`words/${language}.json`)) as Catalogue;
const stem = (key: string): string => key.replace(PLURAL, "");
const plurals = new Set(Object.keys(en).filter((key) => PLURAL.test(key)).map(stem));
const placeholders = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();

function forms(language: string): string[] {
  return new Intl.PluralRules(language).resolvedOptions().pluralCategories;
}

/** The modules as a page with this language has them, with a server that answers so; and what it was asked for. */
async function page(lang: string, answer: () => Response) {
  vi.resetModules();
  const asked: string[] = [];
  vi.stubGlobal("fetch", (url: URL) => {
    asked.push(String(url));
    return Promise.resolve(answer());
  });
  const [words, time] = await Promise.all([import("../words"), import("../elements/time")]);
  await words.speak(lang);
  return { ...words, ...time, asked };
}

const pageIn = (language: string, lang = language) => page(lang, () => Response.json(catalogue(language)));

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules(); // what is imported next speaks English again
});

describe.each(LANGUAGES)("the catalogue %s", (language) => {
  test("has English's words, each in all the forms that the language has", () => {
    const expected = Object.keys(en).flatMap((key) => {
      return plurals.has(stem(key)) ? forms(language).map((form) => `${stem(key)}_${form}`) : [key];
    });
    expect(Object.keys(catalogue(language)).sort()).toEqual([...new Set(expected)].sort());
  });

  test("fills in what English does", () => {
    for (const [key, text] of Object.entries(catalogue(language))) {
      const model = (en as Catalogue)[key] ?? (en as Catalogue)[`${stem(key)}_other`] ?? "";
      // A form for one or two may say the number in words.
      const unsaid = /_(zero|one|two)$/.test(key) ? ["{n}", "{shown}"] : [];
      const told = (words: string): string[] => placeholders(words).filter((each) => !unsaid.includes(each));
      expect(told(text), key).toEqual(told(model));
    }
  });

  test("has no empty and no untrimmed words, and no exclamation marks", () => {
    for (const [key, text] of Object.entries(catalogue(language))) expect(text, key).toMatch(/^\S(?:[^!¡]*\S)?$/);
  });
});

test("there are four languages, and Arabic has its six forms", () => {
  expect(LANGUAGES.sort()).toEqual(["ar", "de", "en", "es"]);
  expect(forms("ar")).toHaveLength(6);
});

describe("the page's language", () => {
  test("is taken before anything is said, from beside the module", async () => {
    const { asked, t } = await pageIn("de");
    expect(t("inbox.undo")).toBe("Rückgängig");
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatch(/\/words\/de\.json\?v=[0-9a-f]{12}$/);
  });

  test("is what a regional one is a kind of, and keeps its region for dates", async () => {
    const { locale, t } = await pageIn("es", "es-MX");
    expect(t("inbox.undo")).toBe("Deshacer");
    expect(locale).toBe("es-MX-u-nu-latn");
  });

  test.each(["", "en", "en-US", "fr", "tlh-Latn", "constructor", "a b"])("%j needs no catalogue", async (lang) => {
    const { asked, t } = await page(lang, () => Response.error());
    expect(t("inbox.undo")).toBe("Undo");
    expect(asked).toEqual([]);
  });

  test("is English when its catalogue does not come", async () => {
    const { dayOf, t } = await page("de", () => new Response("gone", { status: 404 }));
    expect(t("inbox.undo")).toBe("Undo");
    expect(dayOf(new Date(2026, 5, 16).toISOString(), NOW)).toBe("16 June");
  });

  test("has its own forms", async () => {
    const { t } = await pageIn("ar");
    const said = [0, 1, 2, 3, 11, 100].map((n) => t("toasts.burst", { n }));
    expect(new Set(said).size).toBe(6);
    expect(said[3]).toBe("3 إشعارات جديدة");
  });

  test("has digits like ours in its dates", async () => {
    const { exact } = await pageIn("ar");
    expect(exact(new Date(NOW).toISOString())).toMatch(/23.*2026/);
  });

  test.each(LANGUAGES)("%s has the days that the server's pages have", async (language) => {
    const { dayOf, t } = await pageIn(language);
    const { names } = JSON.parse(read(`../web/catalogues/${language}.json`)) as { names: Names };
    const day = (date: Date, now: Date): string => dayOf(date.toISOString(), now.getTime());
    const written = (pattern: string, day: number, month: number, year = ""): string =>
      pattern.replace("{day}", String(day)).replace("{month}", names.months[month] ?? "").replace("{year}", year);
    // 1 June 2026 is a Monday.
    const weekdays = names.weekdays.map((_, index) => day(new Date(2026, 5, 1 + index), new Date(2026, 5, 4 + index)));
    expect(weekdays).toEqual(names.weekdays);
    const months = names.months.map((_, month) => day(new Date(2026, month, 12), new Date(2026, month, 25)));
    expect(months).toEqual(names.months.map((_, month) => written(names.date, 12, month)));
    expect(day(new Date(2024, 10, 2), new Date(NOW))).toBe(written(names.date_and_year, 2, 10, "2024"));
    expect(day(new Date(NOW), new Date(NOW))).toBe(t("time.today"));
  });
});

test("why something was refused is told by its code, or else in the server's words", () => {
  expect(reason({ code: "unreachable", message: "x" })).toBe("Could not reach the server.");
  expect(reason({ code: "unheard_of", message: "the moon is full" })).toBe("The moon is full.");
});

/** The words that stand in a source's templates: text, and what attributes say to people. */
function spoken(source: string): string[] {
  const found: string[] = [];
  const literal = /\b(?:html|svg)`/g;
  for (let start = literal.exec(source); start !== null; start = literal.exec(source)) {
    const markup = template(source, literal.lastIndex);
    const text = markup.replace(/<[^>]*>/g, "\n");
    const attributes = [...markup.matchAll(/\b(?:aria-label|aria-description|title|placeholder|alt)="([^"]*)"/g)];
    found.push(...[text, ...attributes.map(([, value]) => value ?? "")].filter((words) => /\p{L}/u.test(words)));
  }
  return found;
}

/** The markup of a template literal that begins at `from`, without what it fills in. */
function template(source: string, from: number): string {
  let markup = "";
  for (let at = from; source[at] !== "`"; at += 1) {
    if (source.startsWith("${", at)) at = closing(source, at + 2);
    else markup += source[at];
  }
  return markup;
}

/** Where the brace that opened before `from` closes: past braces, and past literals, whose own braces do not count. */
function closing(source: string, from: number): number {
  let depth = 1;
  for (let at = from; ; at += 1) {
    if (source[at] === "{") depth += 1;
    if (source[at] === "}") depth -= 1;
    if (depth === 0) return at;
    if (source[at] === "`") while (source[++at] !== "`") if (source.startsWith("${", at)) at = closing(source, at + 2);
  }
}

describe("elements speak by the catalogues alone", () => {
  const sources = globSync("{elements,alerts,offline}/*.ts").map((file) => [file, read(file)] as const);

  test("which this test would see", () => {
    expect(spoken('html`<p title="${x}">${() => html`<b>Words</b>`}</p>`')).toEqual(["\nWords\n"]);
    expect(spoken('html`<p aria-label="Words">${a ? `b${c}` : {}}</p>`')).toEqual(["Words"]);
  });

  test.each(sources)("%s", (_, source) => expect(spoken(source)).toEqual([]));

  test("and say all that is in them", () => {
    const text = [...globSync("{elements,alerts,offline}/*.ts"), ...globSync("../web/**/*.{html,py}")].map(read).join("\n");
    const isSaid = (word: string): boolean =>
      text.includes(`"${word}"`) || text.includes(`\`${word.slice(0, word.lastIndexOf(".") + 1)}\${`);
    const known = new Set(Object.keys(en).map(stem));
    expect([...known].filter((word) => !word.startsWith("error.") && !isSaid(word))).toEqual([]);
  });
});
