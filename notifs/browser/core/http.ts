/** The mailbox over plain HTTP: for pages without a socket, and while the socket cannot be opened. */
import { ActError, SIGNED_OUT, UNREACHABLE } from "./errors";
import type { Tokens } from "./tokens";
import { ACTS } from "./wire";
import type { Ack, Act, ActBody, Change, Page, Query, Snapshot } from "./wire";

const PATIENCE = 10_000;

export interface PageRequest extends Query {
  readonly before: number | null;
  readonly limit: number;
}

export class Http {
  constructor(
    private readonly base: string,
    private readonly tokens: Tokens | null,
    /** Whose mailbox is meant, as far as the server has said. */
    private readonly person: () => string | undefined,
  ) {}

  fetch(request: PageRequest): Promise<Page> {
    const given = Object.entries(request).filter(([, value]) => value != null);
    const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    return this.request<Page>(`?${query}`, { headers: this.meant });
  }

  /** What has changed since the cursor; without one, the unread ones afresh. */
  changes(cursor: string | null): Promise<Change | Snapshot> {
    return this.request(`/changes${cursor === null ? "" : `?${new URLSearchParams({ cursor })}`}`);
  }

  act(act: Act, body: ActBody): Promise<Ack> {
    const headers = { ...this.meant, "content-type": "application/json" };
    return this.request(`/${ACTS[act]}`, { method: "POST", headers, body: JSON.stringify(body) });
  }

  /** Whether the server still knows who we are; null when it cannot be asked. */
  async signedIn(): Promise<boolean | null> {
    try {
      await this.fetch({ filter: "unread", before: null, limit: 1 });
      return true;
    } catch (error) {
      return error === SIGNED_OUT ? false : null;
    }
  }

  /** Whoever is signed in by now, this is about nobody else; `changes` merely says who that is. */
  private get meant(): Record<string, string> {
    const person = this.person();
    return person === undefined ? {} : { "notifs-person": person };
  }

  private async request<Answer>(path: string, init: RequestInit = {}): Promise<Answer> {
    let response = await this.send(path, init);
    if (response.status === 401 && this.tokens !== null) {
      this.tokens.drop();
      response = await this.send(path, init);
    }
    if (response.status === 401) throw SIGNED_OUT;
    if (!response.ok) throw await problem(response);
    return response.json().catch(unreachable) as Promise<Answer>; // cut in the middle, it was none
  }

  private async send(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.tokens !== null) {
      const { person } = this.tokens;
      headers.set("authorization", `Bearer ${await this.tokens.get()}`);
      // What was asked is about the mailbox of the person before.
      if (this.tokens.person !== person) throw UNREACHABLE;
    }
    return fetch(`${this.base}/api/v1/inbox${path}`, {
      ...init,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE),
    }).catch(unreachable);
  }
}

function unreachable(): never {
  throw UNREACHABLE;
}

/** RFC 9457 problem JSON in the server's words; a proxy's error page in ours. */
async function problem(response: Response): Promise<ActError> {
  const body = (await response.json().catch(() => ({}))) as { code?: unknown; detail?: unknown };
  const code = typeof body.code === "string" ? body.code : `http_${response.status}`;
  const detail = typeof body.detail === "string" ? body.detail : "The server could not do that.";
  return new ActError(code, detail);
}
