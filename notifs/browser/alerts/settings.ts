/** How a person wants it in this browser, alerts above all: kept for all of its tabs, which hear of a change. */
import { Emitter } from "../core/emitter";
import { Timer } from "../core/timer";
import { forget, keep, read } from "./kept";

export interface Choices {
  readonly sound: boolean;
  readonly desktop: boolean;
  /** Whether single keys do something in the inbox. */
  readonly keys: boolean;
  /** Do not disturb until then, in milliseconds since 1970; 0 to disturb. */
  readonly quietUntil: number;
}

export class Settings extends Emitter<{ change: undefined }> {
  private readonly quietEnds = new Timer(() => this.changed());

  constructor(private readonly key: string) {
    super();
    addEventListener("storage", (event) => {
      if (event.key !== key) return;
      forget(key);
      this.changed();
    });
    this.changed();
  }

  get choices(): Choices {
    const { sound, desktop, keys, quietUntil } = read(this.key);
    return {
      sound: sound === true,
      desktop: desktop === true,
      keys: keys !== false,
      quietUntil: typeof quietUntil === "number" && quietUntil > Date.now() ? quietUntil : 0,
    };
  }

  choose(choices: Partial<Choices>): void {
    keep(this.key, { ...this.choices, ...choices });
    this.changed();
  }

  private changed(): void {
    const { quietUntil } = this.choices;
    this.quietEnds.stop();
    if (quietUntil > 0) this.quietEnds.set(quietUntil - Date.now());
    this.emit("change", undefined);
  }
}

const all = new Map<string, Settings>();

/** Those for the server at `base`: the elements of a page share them. */
export function settingsOf(base: string): Settings {
  const settings = all.get(base) ?? new Settings(`notifs-alerts ${base}`);
  all.set(base, settings);
  return settings;
}
