import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Badge } from "../alerts/badge";
import { inAnHour, tomorrow } from "../alerts/quiet";
import { Settings } from "../alerts/settings";
import { Speech } from "../alerts/speech";

const NOON = new Date(2026, 10, 26, 12).getTime();
const HOUR = 3_600_000;

beforeEach(() => {
  vi.useFakeTimers({ now: NOON });
  localStorage.clear();
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("settings", () => {
  test("of alerts are off until they are chosen, keys until then on, and all are kept", () => {
    const settings = new Settings("a");
    expect(settings.choices).toEqual({ sound: false, desktop: false, keys: true, quietUntil: 0 });
    settings.choose({ sound: true });
    settings.choose({ desktop: true });
    expect(new Settings("a").choices).toEqual({ sound: true, desktop: true, keys: true, quietUntil: 0 });
    expect(new Settings("b").choices.sound).toBe(false);
  });

  test.each(["", "null", "[]", '"x"', "{", '{"sound":1,"keys":0,"quietUntil":"soon"}'])("do not trust what is kept: %s", (kept) => {
    localStorage.setItem("a", kept);
    expect(new Settings("a").choices).toEqual({ sound: false, desktop: false, keys: true, quietUntil: 0 });
  });

  /** A storage in which there is no room for more, or none at all. */
  const noRoom = (storage: Partial<Storage> | null): void => {
    const full = (): void => {
      throw new DOMException("full", "QuotaExceededError");
    };
    vi.stubGlobal("localStorage", storage === null ? null : { getItem: () => null, setItem: full, ...storage });
  };

  test.each([{}, null])("hold for this page where nothing can be kept: %o", (storage) => {
    noRoom(storage);
    const settings = new Settings("nowhere");
    settings.choose({ sound: true });
    settings.choose({ desktop: true });
    expect(settings.choices).toMatchObject({ sound: true, desktop: true });
  });

  test("hold for this page where there is no room for others than are kept, until another tab has had it", () => {
    const settings = new Settings("a");
    settings.choose({ sound: true });
    const kept = localStorage;
    noRoom({ getItem: (key) => kept.getItem(key) });
    settings.choose({ sound: false, quietUntil: NOON + HOUR });
    expect(settings.choices).toMatchObject({ sound: false, quietUntil: NOON + HOUR });
    kept.setItem("a", '{"desktop":true}');
    dispatchEvent(new StorageEvent("storage", { key: "a" }));
    expect(settings.choices).toEqual({ sound: false, desktop: true, keys: true, quietUntil: 0 });
  });

  test("hold for this page no longer than there is no room", () => {
    noRoom({});
    const settings = new Settings("a");
    settings.choose({ sound: true });
    vi.unstubAllGlobals();
    settings.choose({ desktop: true });
    localStorage.setItem("a", "{}");
    expect(settings.choices).toMatchObject({ sound: false, desktop: false });
  });

  test("quiet ends by itself, and says so", () => {
    const settings = new Settings("a");
    const heard = vi.fn();
    settings.on("change", heard);
    settings.choose({ quietUntil: inAnHour(Date.now()) });
    expect(settings.choices.quietUntil).toBe(NOON + HOUR);
    expect(heard).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(HOUR);
    expect(settings.choices.quietUntil).toBe(0);
    expect(heard).toHaveBeenCalledTimes(2);
  });

  test("what another tab has chosen is heard", () => {
    const settings = new Settings("a");
    const heard = vi.fn();
    settings.on("change", heard);
    dispatchEvent(new StorageEvent("storage", { key: "b" }));
    expect(heard).not.toHaveBeenCalled();
    dispatchEvent(new StorageEvent("storage", { key: "a" }));
    expect(heard).toHaveBeenCalledTimes(1);
  });

  test.each([0, 7, 23])("tomorrow is at eight, seen from %i o'clock", (hour) => {
    const now = new Date(2026, 11, 31, hour, 30).getTime();
    expect(tomorrow(now)).toBe(new Date(2027, 0, 1, 8).getTime());
  });
});

test("a sentence is heard out, then all that came meanwhile is one", () => {
  const said: string[] = [];
  const speech = new Speech(
    (titles) => titles.join("+"),
    () => said.push(speech.text),
  );
  speech.say(["a"]);
  speech.say(["b", "c"]);
  speech.say(["d"]);
  expect(said).toEqual(["a"]);
  vi.advanceTimersByTime(4_999);
  expect(said).toEqual(["a"]);
  vi.advanceTimersByTime(5_001);
  expect(said).toEqual(["a", "b+c+d", ""]);
});

test("the same sentence once more is gone in between, so that it is heard", () => {
  const said: string[] = [];
  const speech = new Speech(
    (titles) => titles.join("+"),
    () => said.push(speech.text),
  );
  speech.say(["a"]);
  speech.say(["a"]);
  vi.advanceTimersByTime(5_050);
  expect(said).toEqual(["a", ""]);
  vi.advanceTimersByTime(60);
  expect(said).toEqual(["a", "", "a"]);
  vi.advanceTimersByTime(5_000);
  expect(said).toEqual(["a", "", "a", ""]);
});

describe("the badge", () => {
  const badge = new Badge();
  const icon = (): string | null => document.querySelector("link")?.getAttribute("href") ?? null;

  test("stands before the page's own title, which stays the page's", async () => {
    document.title = "Shop";
    badge.show(3, "3", null);
    badge.show(4, "4", null);
    expect(document.title).toBe("(4) Shop");
    document.title = "Basket";
    await Promise.resolve();
    expect(document.title).toBe("(4) Basket");
    badge.show(0, "", null);
    expect(document.title).toBe("Basket");
    document.title = "(4) good reasons";
    badge.show(0, "", null);
    expect(document.title).toBe("(4) good reasons");
  });

  test("of several bells is one, of the first that has something new", () => {
    const other = new Badge();
    document.title = "Shop";
    for (const each of [badge, other, badge]) each.show(3, "3", null);
    for (const each of [badge, other]) each.show(4, "4", null);
    expect(document.title).toBe("(4) Shop");
    badge.show(0, "", null);
    expect(document.title).toBe("(4) Shop");
    other.show(0, "", null);
    expect(document.title).toBe("Shop");
  });

  test("changes the page's icon and gives it back", () => {
    document.head.innerHTML += '<link rel="icon" href="/own.svg">';
    badge.show(1, "1", "/new.svg");
    expect(icon()).toBe("/new.svg");
    badge.show(0, "", "/new.svg");
    expect(icon()).toBe("/own.svg");
  });

  test("leaves an icon alone that the page has changed itself", () => {
    const change = (href: string): void => document.querySelector("link")?.setAttribute("href", href);
    change("/a.svg");
    badge.show(1, "1", null);
    change("/b.svg");
    badge.show(2, "2", null);
    expect(icon()).toBe("/b.svg");
    badge.show(3, "3", "/new.svg");
    change("/c.svg");
    badge.show(4, "4", "/new.svg");
    expect(icon()).toBe("/new.svg");
    badge.show(0, "", null);
    expect(icon()).toBe("/c.svg");
  });

  test("is on the icon of an installed app: a number, or that there is something", () => {
    const app = { setAppBadge: vi.fn(async () => undefined), clearAppBadge: vi.fn(async () => undefined) };
    Object.assign(navigator, app);
    badge.show(3, "3", null);
    badge.show(3, "•", null);
    badge.show(0, "", null);
    expect(app.setAppBadge.mock.calls).toEqual([[3], [undefined]]);
    expect(app.clearAppBadge).toHaveBeenCalledOnce();
  });
});
