/** The line at the bottom that tells what was done, and takes it back. */
import { html, nothing } from "lit";
import type { ReactiveController, ReactiveControllerHost, TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";

import { Timer } from "../core/timer";
import { t } from "../words";

interface Notice {
  readonly text: string;
  readonly undo: (() => void) | undefined;
  readonly ends: number;
}

const STAYS = 8_000;

export class Notices implements ReactiveController {
  /** The newest last; only it is shown, but each can be taken back for its time. */
  private notices: readonly Notice[] = [];
  private readonly timer = new Timer(() => this.tidy());

  constructor(private readonly host: ReactiveControllerHost & HTMLElement) {
    host.addController(this);
  }

  /** Those that were there when the host was moved. */
  hostConnected(): void {
    this.show(this.notices);
  }

  hostDisconnected(): void {
    this.timer.stop();
  }

  say(text: string, undo?: () => void): Notice {
    const notice = { text, undo, ends: Date.now() + STAYS };
    this.show([...this.notices, notice]);
    return notice;
  }

  drop(notice: Notice): void {
    this.show(this.notices.filter((each) => each !== notice));
  }

  /** Take back the last thing that can be. */
  undo(): void {
    const last = this.notices.findLast(({ undo }) => undo !== undefined);
    if (last === undefined) return;
    this.drop(last);
    last.undo?.();
  }

  render(): TemplateResult {
    const last = this.notices.at(-1);
    return html`<div class="notice" part="notice" role="status">
      ${last === undefined ? nothing : this.line(last)}
    </div>`;
  }

  /** The words have an element for each notice: the same ones, said again, are heard again. */
  private line(notice: Notice): TemplateResult {
    const { undo } = notice;
    return html`<div class="notice-line">
      ${repeat([notice], (each) => each, ({ text }) => html`<span>${text}</span>`)}
      ${undo && html`<button class="link" type="button" @click=${() => this.undo()}>${t("inbox.undo")}</button>`}
    </div>`;
  }

  private show(notices: readonly Notice[]): void {
    this.notices = notices;
    const ends = Math.min(...notices.map((each) => each.ends));
    if (notices.length > 0) this.timer.set(ends - Date.now());
    this.host.requestUpdate();
  }

  /** Not under the pointer or the focus: somebody is about to press Undo. */
  private tidy(): void {
    if (this.host.shadowRoot?.querySelector(".notice:is(:hover, :focus-within)")) return this.timer.set(1_000);
    this.show(this.notices.filter(({ ends }) => ends > Date.now()));
  }
}
