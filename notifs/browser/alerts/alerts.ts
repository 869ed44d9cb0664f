/** Alerts of what arrives: a sound, and a toast in the tab that is looked at or else a notification of the desktop's. */
import type { Connection } from "../core/connection";
import { isUnread } from "../core/state";
import type { Notification } from "../core/wire";
import { Claims, isHidden } from "./claims";
import { Desktop } from "./desktop";
import type { Settings } from "./settings";
import { chime } from "./sound";

/** In the place of an id: that something came while we were away. */
const MISSED = "missed";

export interface Toasts {
  /** Say which rows this tab, and no other, alerts of. Returns whether to go on. */
  readonly tell: (rows: readonly Notification[]) => boolean;
  /** Rows that this tab, and no other, is to tell of. */
  readonly show: (rows: readonly Notification[]) => void;
  readonly missed: (count: number) => void;
  /** Open what a row leads to; without one, the inbox. */
  readonly go: (row?: Notification) => void;
}

export class Alerts {
  private readonly claims: Claims;
  private readonly desktop: Desktop;
  /** By which the tabs tell each other whom the backlog was told. */
  private readonly others: BroadcastChannel;
  private missed = 0;

  /** `scope` names the place of the mailbox, in words that no other user of the page's origin has. */
  constructor(
    scope: string,
    private readonly connection: Connection,
    private readonly settings: Settings,
    private readonly toasts: Toasts,
  ) {
    this.claims = new Claims(scope);
    this.desktop = new Desktop(() => `${scope} ${connection.person ?? ""}`, toasts.go);
    this.others = new BroadcastChannel(scope);
    this.others.onmessage = ({ data }) => {
      if (data === connection.person) this.missed = 0;
    };
  }

  /** Begin. Returns the ways to stop. */
  open(): (() => void)[] {
    const { connection } = this;
    const looked = (): void => void this.tellMissed();
    document.addEventListener("visibilitychange", looked);
    return [
      this.claims.open(),
      connection.on("change", () => this.desktop.keep((id) => this.isCurrent(id), connection.shown.unseen > 0)),
      () => document.removeEventListener("visibilitychange", looked),
      () => this.others.close(),
    ];
  }

  async alert(rows: readonly Notification[]): Promise<void> {
    if (this.isQuiet) return;
    const mine = new Set(await this.claims.take(this.connection.person, rows.map(({ id }) => id)));
    const news = rows.filter(({ id }) => mine.has(id) && this.isCurrent(id));
    if (news.length === 0 || !this.toasts.tell(news)) return;
    const { sound, desktop } = this.settings.choices;
    if (sound) chime();
    const byDesktop = desktop && this.desktop.isAllowed && !(await this.claims.isLookedAt());
    (byDesktop ? this.desktop : this.toasts).show(news);
  }

  miss(count: number): void {
    this.missed += count;
    void this.tellMissed();
  }

  /** A backlog is no alert: it is told once, without a sound, in the first tab that is looked at. */
  private async tellMissed(): Promise<void> {
    if (this.missed === 0 || isHidden()) return;
    const { missed, connection: { person } } = this;
    this.missed = 0;
    if ((await this.claims.take(person, [MISSED])).length === 0) return;
    this.others.postMessage(person);
    if (!this.isQuiet) this.toasts.missed(missed);
  }

  /** Whether it is still worth a word. */
  private isCurrent(id: string): boolean {
    const row = this.connection.shown.rows.get(id);
    return row !== undefined && row.retracted !== true && isUnread(row);
  }

  private get isQuiet(): boolean {
    return this.settings.choices.quietUntil > 0;
  }
}
