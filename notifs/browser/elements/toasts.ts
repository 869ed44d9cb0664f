/** `<notifs-toasts>`: a short word about what has just arrived, in one of a person's tabs. */
import { nothing } from "lit";

import type { Connection } from "../core/connection";
import { MailboxElement } from "./element";
import { Part, whenIdle } from "./part";
import type { Stack } from "./stack";

export const ALERTING = new Part(() => import("./alerting"));

export class NotifsToasts extends MailboxElement {
  private stack: Stack | null = null;

  protected override listen(connection: Connection): (() => void)[] {
    let isOver = false;
    const begin = async (say?: (stack: Stack) => void): Promise<void> => {
      const { Stack } = await ALERTING.get();
      if (isOver) return;
      this.stack ??= new Stack(this, connection);
      say?.(this.stack);
    };
    // What does not come now is asked for again when there is something to say.
    const quietly = (begun: Promise<void>): void => void begun.catch(() => undefined);
    whenIdle(() => quietly(begin()));
    return [
      connection.on("arrived", (rows) => quietly(begin((stack) => stack.arrived(rows)))),
      connection.on("missed", (count) => quietly(begin((stack) => stack.missed(count)))),
      () => {
        isOver = true;
        this.stack?.close();
        this.stack = null;
      },
    ];
  }

  protected override render(): unknown {
    return this.stack?.render() ?? nothing;
  }
}
