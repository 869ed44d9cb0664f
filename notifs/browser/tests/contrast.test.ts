/** The colours of the look can be told apart (WCAG 2.2, 1.4.3 and 1.4.11; in high contrast 1.4.6). */
import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

type Colour = readonly [lightness: number, chroma: number, hue: number];
type Palette = ReadonlyMap<string, readonly [light: Colour, dark: Colour]>;

const css = readFileSync("styles/tokens.css", "utf8");
const COLOUR = "oklch\\(([\\d.]+) ([\\d.]+) ([\\d.]+)\\)";
const TOKEN = new RegExp(`--_([\\w-]+): var\\(--notifs-[\\w-]+, light-dark\\(${COLOUR}, ${COLOUR}\\)\\)`, "g");

function palette(source: string): Palette {
  const tokens = [...source.matchAll(TOKEN)].map(([, name, ...numbers]) => {
    const [a, b, c, d, e, f] = numbers.map(Number) as [number, number, number, number, number, number];
    return [name ?? "", [[a, b, c], [d, e, f]]] as const;
  });
  return new Map(tokens);
}

/** Relative luminance (WCAG 2.2), of the colour in sRGB: OKLCH by Ottosson's matrices, as in CSS Color 4. */
function luminance([lightness, chroma, hue]: Colour): number {
  const [a, b] = [chroma * Math.cos((hue * Math.PI) / 180), chroma * Math.sin((hue * Math.PI) / 180)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const red = 4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s;
  const green = -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s;
  const blue = -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s;
  const [r, g, b_] = [red, green, blue].map((each) => Math.min(1, Math.max(0, each))) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b_;
}

function contrast(one: Colour, other: Colour): number {
  const [brighter, darker] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (brighter + 0.05) / (darker + 0.05);
}

const [usual, more] = css.split("@media (prefers-contrast: more)") as [string, string];
const THEMES = {
  usual: palette(usual),
  more: new Map([...palette(usual), ...palette(more.split("@media")[0] ?? "")]),
};
const SURFACES = ["ground", "surface", "raised", "hover"];
const WORDS = ["text", "secondary", "accent", "danger", "warning"];
const PARTS = ["edge", "accent", "danger"];

test("the reckoning knows black and white", () => {
  expect(contrast([0, 0, 0], [1, 0, 0])).toBeCloseTo(21);
  expect(contrast([0.5999, 0, 0], [1, 0, 0])).toBeCloseTo(3.95, 1); // #808080
});

describe.each(Object.entries(THEMES))("with %s contrast", (name, tokens) => {
  const least = name === "more" ? 7 : 4.5;
  const colour = (token: string, dark: number): Colour => {
    const found = tokens.get(token)?.[dark];
    if (found === undefined) throw new Error(`there is no colour ${token}`);
    return found;
  };

  describe.each([["light", 0], ["dark", 1]] as const)("in %s", (_, dark) => {
    const pairs = (fronts: string[], backs: string[]) =>
      fronts.flatMap((front) => backs.map((back) => [front, back] as const));

    test.each([...pairs(WORDS, SURFACES), ["text", "accent-soft"], ["on-accent", "accent"]] as const)(
      "words in %s can be read on %s",
      (front, back) => expect(contrast(colour(front, dark), colour(back, dark))).toBeGreaterThanOrEqual(least),
    );

    test.each(pairs(PARTS, SURFACES))("a part in %s can be seen on %s", (front, back) =>
      expect(contrast(colour(front, dark), colour(back, dark))).toBeGreaterThanOrEqual(3),
    );
  });
});

test("initials can be read on each tint", () => {
  const controls = readFileSync("styles/controls.css", "utf8");
  const hues = [...controls.matchAll(/--_hue: (\d+);/g)].map(([, hue]) => Number(hue));
  expect(hues).toHaveLength(8);
  const numbers = (property: string): number[] => {
    const declared = new RegExp(`\\.avatar \\{[^}]*\\s${property}: light-dark\\(([^;]*)\\);`).exec(controls)?.[1] ?? "";
    return (declared.match(/(?<=oklch\()[\d.]+ [\d.]+/g) ?? []).flatMap((pair) => pair.split(" ").map(Number));
  };
  const [back, front] = [numbers("background"), numbers("color")];
  for (const hue of [...hues, 262]) {
    for (const at of [0, 2]) {
      const [one, other] = [front, back].map((each) => [each[at], each[at + 1], hue] as unknown as Colour);
      expect(contrast(one as Colour, other as Colour), `${hue}`).toBeGreaterThanOrEqual(4.5);
    }
  }
});
