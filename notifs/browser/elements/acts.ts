/** What people do to rows: asked for, told, and taken back. */
import type { Connection } from "../core/connection";
import type { Done } from "../core/outbox";
import type { RowAct } from "../core/wire";
import { tell } from "./events";
import type { NotifsInbox } from "./inbox";
import type { Notices } from "./notices";
import { until as inWords } from "./time";
import { reason, t } from "../words";

export class Acts {
  /** Why the last act on a row was refused, by the row's id. */
  refusals: ReadonlyMap<string, string> = new Map();

  constructor(
    private readonly host: NotifsInbox,
    private readonly notices: Notices,
  ) {}

  async do(act: RowAct, ids: readonly string[], until?: Date): Promise<void> {
    const { connection } = this.host;
    if (connection === null || ids.length === 0 || !tell(this.host, "notifs-act", { act, ids, until })) return;
    this.refuse(ids, undefined);
    const time = until === undefined ? "" : inWords(until, new Date());
    const told = t(`done.${act}`, { n: ids.length, time });
    const refused = await this.follow(connection, connection.act(act, ids, until), told);
    if (refused === null) return;
    this.refuse(ids, refused);
    if (ids.length > 1) this.notices.say(refused);
    this.host.requestUpdate();
  }

  async markAllRead(): Promise<void> {
    const { connection } = this.host;
    if (connection === null || !tell(this.host, "notifs-act", { act: "mark_all_read", ids: [] })) return;
    const refused = await this.follow(connection, connection.markAllRead(), t("inbox.all_marked_read"));
    if (refused !== null) this.notices.say(refused);
  }

  /** Another map: by that rows are drawn again. */
  private refuse(ids: readonly string[], reason: string | undefined): void {
    const refusals = new Map(this.refusals);
    for (const id of ids) {
      if (reason === undefined) refusals.delete(id);
      else refusals.set(id, reason);
    }
    this.refusals = refusals;
  }

  /** Tell what is done already on screen, until it is refused. Returns the reason then. */
  private async follow(connection: Connection, done: Promise<Done>, text: string): Promise<string | null> {
    const notice = this.notices.say(text, () => void this.undo(connection, done));
    try {
      await done;
      return null;
    } catch (error) {
      this.notices.drop(notice);
      return reason(error);
    }
  }

  private async undo(connection: Connection, done: Promise<Done>): Promise<void> {
    try {
      await connection.undo(await done);
    } catch (error) {
      this.notices.say(reason(error));
    }
  }
}
