/** How a person wants to be alerted in this browser: kept for all of its tabs, which hear of a change. */
import { Emitter } from "../core/emitter";
import { Timer } from "../core/timer";
import { keep, read } from "./kept";

export interface Choices {
  readonly sound: boolean;
  readonly desktop: boolean;
  /** Do not disturb until then, in milliseconds since 1970; 0 to disturb. */
  readonly quietUntil: number;
}

const HOUR = 3_600_000;
const MORNING = 8;

export class Settings extends Emitter<{ change: undefined }> {
  private readonly quietEnds = new Timer(() => this.changed());

  constructor(private readonly key: string) {
    super();
    addEventListener("storage", (event) => event.key === key && this.changed());
    this.changed();
  }

  get choices(): Choices {
    const { sound, desktop, quietUntil } = read(this.key);
    return {
      sound: sound === true,
      desktop: desktop === true,
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

export function inAnHour(now: number): number {
  return now + HOUR;
}

/** Tomorrow, when the day begins for most people; in the reader's zone. */
export function tomorrow(now: number): number {
  const day = new Date(now);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1, MORNING).getTime();
}
