/** Tokens of the host's, for pages that sign in by them: fetched when one is needed, kept while it is good. */
import { SIGNED_OUT, UNREACHABLE } from "./errors";

export type FetchToken = () => Promise<string>;

/** In seconds: what a token lasts at least, as far as we believe it, so that we do not ask for one all the time. */
const SHORTEST = 5;
/** The part of its life after which a fresh one takes its place. */
const PART = 0.8;
const PATIENCE = 10_000;

interface Claims {
  readonly sub?: unknown;
  readonly exp?: unknown;
  readonly iat?: unknown;
}

export class Tokens {
  /** Counts the people whose they were: a page may stay open while somebody else signs in to the host. */
  person = 0;
  private kept: string | null = null;
  private claims: Claims | null = null;
  private due = 0;
  private fetching: Promise<string> | null = null;

  /** `changed` hears of it when it is another person's than the one before. */
  constructor(
    private readonly source: FetchToken,
    private readonly changed: () => void,
  ) {}

  /** One that is good for a while still; who asks at the same time gets the same one. */
  async get(): Promise<string> {
    if (this.kept !== null && this.dueIn > 0) return this.kept;
    this.fetching ??= this.fetch().finally(() => (this.fetching = null));
    return this.fetching;
  }

  /** Ours is worth nothing: the next one will be fresh. */
  drop(): void {
    this.kept = null;
  }

  /** Milliseconds until a fresh one should take its place. */
  get dueIn(): number {
    return Math.max(0, this.due - Date.now());
  }

  /** The server has said how long ours lasts. */
  lasts(seconds: number): void {
    this.due = Date.now() + Math.max(seconds, SHORTEST) * PART * 1_000;
  }

  /** Ours is somebody else's than what we have seen so far. */
  another(): void {
    this.person += 1;
    this.changed();
  }

  private async fetch(): Promise<string> {
    const token = await this.source();
    const before = this.claims;
    const claims = read(token);
    this.kept = token;
    this.claims = claims;
    this.lasts(life(claims));
    if (before !== null && before.sub !== claims.sub) this.another();
    return token;
  }
}

/** The way to get them from an address of the host's, which answers `{token}`. */
export function tokensFrom(url: string): FetchToken {
  return async () => {
    const signal = AbortSignal.timeout(PATIENCE);
    const response = await fetch(url, { credentials: "same-origin", cache: "no-store", signal }).catch(() => {
      throw UNREACHABLE;
    });
    if (response.status === 401 || response.status === 403) throw SIGNED_OUT;
    const { token } = (response.ok ? await response.json().catch(() => ({})) : {}) as { token?: unknown };
    if (typeof token !== "string") throw UNREACHABLE;
    return token;
  };
}

/** Seconds that a token lasts, by its own word: from `iat`, if it has one, as this machine's clock may be wrong. */
function life({ exp, iat }: Claims): number {
  if (typeof exp !== "number") return SHORTEST;
  return exp - (typeof iat === "number" ? iat : Date.now() / 1_000);
}

/** What a token says; nothing, if it is none that we can read. Whether the server can, it will say. */
function read(token: string): Claims {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    return (JSON.parse(atob(payload)) as Claims | null) ?? {};
  } catch {
    return {};
  }
}
