/** Parts of the script that a page can do without at first: fetched when they are needed, or before that, in idle time. */

/** In milliseconds. */
const LATEST = 2_000;
const parts: Part<unknown>[] = [];

export class Part<Module> {
  /** Null until it has come. */
  module: Module | null = null;
  private coming: Promise<Module> | null = null;

  constructor(private readonly load: () => Promise<Module>) {
    parts.push(this);
  }

  /** Rejects if it cannot be had just now; who asks again tries again. */
  get(): Promise<Module> {
    return (this.coming ??= this.fetch());
  }

  private async fetch(): Promise<Module> {
    try {
      return (this.module = await this.load());
    } catch (error) {
      this.coming = null;
      throw error;
    }
  }
}

/** One after the other, those too that are parts of a part. What does not come is fetched by who needs it. */
export async function fetchParts(): Promise<void> {
  for (const part of parts) await part.get().catch(() => undefined);
}

/** When the browser has nothing better to do, which not all of them tell; a page that is never idle has it a little later. */
export function whenIdle(act: () => void): void {
  if ("requestIdleCallback" in globalThis) requestIdleCallback(act, { timeout: LATEST });
  else setTimeout(act);
}
