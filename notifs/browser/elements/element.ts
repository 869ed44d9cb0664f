/** What the elements have in common: they show one mailbox, and take over from the server's first paint. */
import { LitElement } from "lit";
import type { PropertyDeclarations, PropertyValues } from "lit";

import type { Connection, Transport } from "../core/connection";
import { readIsland } from "./island";
import { connect, release } from "../core/shared";

export abstract class MailboxElement extends LitElement {
  static override properties: PropertyDeclarations = {
    base: {},
    transport: {},
    inboxUrl: { attribute: "inbox-url" },
    loginUrl: { attribute: "login-url" },
    tokenUrl: { attribute: "token-url" },
  };

  /** Where the server is mounted; read when the element enters the page, as is `transport`. */
  declare base: string;
  declare transport: Transport | undefined;
  declare inboxUrl: string;
  /** Where people sign in, if there is such a page. */
  declare loginUrl: string | undefined;
  /** Where the host gives tokens, for pages that sign in by them; read when the element enters the page. */
  declare tokenUrl: string | undefined;

  /** The page's shared one, unless another is set before the element enters the page: one that the page has made. */
  declare connection: Connection | null;
  private isShared = false;
  private stopListening: (() => void)[] = [];

  constructor() {
    super();
    this.connection ??= null; // set before the element was defined, it is there already
    this.base = "";
    this.inboxUrl = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const { base, tokenUrl } = this;
    const island = readIsland(base);
    this.transport ??= island?.transport ?? "socket";
    this.isShared = this.connection === null;
    this.connection ??= connect({ base, transport: this.transport, initial: island ?? undefined, tokenUrl });
    this.stopListening = this.listen(this.connection);
    this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const stop of this.stopListening.splice(0)) stop();
    if (!this.isShared || this.connection === null) return;
    release(this.connection);
    this.connection = null;
  }

  /** What to hear of the connection. Returns the ways to stop. */
  protected listen(connection: Connection): (() => void)[] {
    return [connection.on("change", () => this.requestUpdate())];
  }

  /** Empty where there is none: ours does not know who comes with a token. */
  get inboxHref(): string {
    return this.inboxUrl || (this.connection?.byToken ? "" : `${this.base}/notifications/`);
  }

  /** Where to sign in, and to come back from; empty if there is no page to send people to. */
  get loginHref(): string {
    const { loginUrl } = this;
    const next = encodeURIComponent(location.pathname + location.search);
    return loginUrl ? `${loginUrl}${loginUrl.includes("?") ? "&" : "?"}next=${next}` : "";
  }

  /** The server's markup goes in the same turn in which ours comes, so that nothing flickers. */
  protected override update(changed: PropertyValues): void {
    if (!this.hasUpdated) {
      this.renderRoot.replaceChildren();
      this.renderOptions.renderBefore = null;
    }
    super.update(changed);
  }
}
