/** One place in the list: a notification, or a group of them. web/templates/row.html draws single ones with forms. */
import { html, nothing } from "lit";
import type { TemplateResult } from "lit";

import { actions } from "./actions";
import type { ActionContext } from "./actions";
import { avatar } from "./avatar";
import { actorsOf } from "./entries";
import type { Entry } from "./entries";
import { icon } from "./icons";
import type { IconName } from "./icons";
import { linked } from "./linked";
import { isUnread } from "../core/state";
import { ago, exact, until } from "./time";
import type { Notification, RowAct } from "../core/wire";
import { t } from "../words";
import type { Word } from "../words";

export interface RowContext extends ActionContext {
  readonly now: number;
  readonly headingLevel: number;
  readonly pending: ReadonlySet<string>;
  /** Why the last act on a row was refused. */
  readonly refusals: ReadonlyMap<string, string> | undefined;
  readonly opened: ReadonlySet<string>;
  /** Whether more of a group may be further down its day than what is loaded. */
  readonly isPartial: (entry: Entry) => boolean;
  readonly isPicked: (entry: Entry) => boolean;
  readonly act: (act: RowAct, entry: Entry) => void;
  readonly pick: (entry: Entry, event: MouseEvent) => void;
  readonly toggle: (entry: Entry) => void;
  readonly menu: (entry: Entry, event: MouseEvent) => void;
  readonly open: (notification: Notification, event: MouseEvent) => void;
}

/** Where in its day an entry is. */
export interface Place {
  readonly index: number;
  readonly of: number;
}

export type Control = Exclude<RowAct, "snooze">;

const MOST_FACES = 2;
/** `slot` names the place, so that the focus finds it again when the button in it has changed. */
export const CONTROLS: Readonly<Record<Control, { slot: string; icon: IconName; label: Word }>> = {
  mark_read: { slot: "read", icon: "check", label: "row.mark_read" },
  mark_unread: { slot: "read", icon: "unread", label: "row.mark_unread" },
  archive: { slot: "archive", icon: "archive", label: "row.archive" },
  unarchive: { slot: "archive", icon: "unarchive", label: "row.unarchive" },
  unsnooze: { slot: "read", icon: "bell", label: "row.unsnooze" },
};

export function row(entry: Entry, place: Place, context: RowContext): TemplateResult {
  const { key, rows, isInside } = entry;
  const newest = rows[0] as Notification;
  const isOpen = opens(entry, context);
  const isBusy = rows.some(({ id }) => context.pending.has(id));
  const is = {
    unread: rows.some(isUnread),
    urgent: newest.priority === "urgent",
    busy: isBusy,
    inside: isInside,
    picked: context.isPicked(entry),
  };
  const classes = Object.entries(is).map(([name, holds]) => (holds ? ` ${name}` : ""));
  return html`<li
    class="row${classes.join("")}"
    part="row"
    data-id=${key}
    tabindex="-1"
    aria-posinset=${place.index + 1}
    aria-setsize=${place.of}
    aria-busy=${isBusy}
  >
    <span class="dot" part="dot" aria-hidden="true"></span>
    ${face(entry, context)}
    <div class="what">
      <div class="line">${heading(entry, context)} ${when(newest, context.now)}</div>
      <div class="line">
        <div class="words">
          ${newest.body && !isOpen ? html`<p class="body" part="body" dir="auto">${newest.body}</p>` : nothing}
          ${rows.length > 1 ? more(entry, context) : actions(newest, context)}
          ${refusal(entry, context)}
        </div>
        <div class="controls" part="controls">
          ${actsFor(rows).map((act) => control(act, entry, context))}
          ${menuButton(entry, context)}
        </div>
      </div>
    </div>
  </li>`;
}

/** An archived one is done with: it can only come back. */
export function actsFor(rows: readonly Notification[]): Control[] {
  if (rows.every(({ archived_at }) => archived_at !== null)) return ["unarchive"];
  if (rows.every(({ snoozed_until }) => snoozed_until !== null)) return ["unsnooze", "archive"];
  return [rows.some(isUnread) ? "mark_read" : "mark_unread", "archive"];
}

/** Who it is from; in its place, once it is wanted, what picks it. */
function face(entry: Entry, context: RowContext): TemplateResult {
  const faces = entry.rows.length > 1 ? actorsOf(entry.rows).slice(0, MOST_FACES) : [];
  const shown = faces.length > 0 ? faces : entry.rows.slice(0, 1);
  return html`<span class="face of-${shown.length}" part="avatar">
    ${shown.map(avatar)}
    <label class="pick">
      <input
        type="checkbox"
        part="checkbox"
        data-slot="pick"
        aria-label=${t("row.select", { title: nameOf(entry, context) })}
        .checked=${context.isPicked(entry)}
        @click=${(event: MouseEvent) => context.pick(entry, event)}
      />
    </label>
  </span>`;
}

function heading(entry: Entry, context: RowContext): TemplateResult {
  const { rows, isInside } = entry;
  const { headingLevel, host, open } = context;
  const isOpen = opens(entry, context);
  const newest = rows[0] as Notification;
  const title = titleOf(entry, context);
  const words = [
    rows.some(isUnread) ? html`<bdi class="hidden">${t("row.unread")} </bdi>` : nothing,
    isOpen ? html`<span class="text">${title}</span>` : titled(newest),
  ];
  const level = headingLevel + Number(isInside);
  return html`<div class="title" part="row-title" role="heading" aria-level=${level} title=${title}>
    ${isOpen ? words : linked(host, newest, words, (event) => open(newest, event))}
  </div>`;
}

/** The flag is in the page's direction, and the title in its own. */
export function titled({ priority, title }: Notification): TemplateResult {
  const flag = priority === "urgent" ? html`<span class="flag">${t("row.urgent")}</span> ` : nothing;
  return html`${flag}<span class="text" dir="auto">${title}</span>`;
}

/** Of what an act is on: of a group as a whole, and of which one where several are from the same people. */
function nameOf(entry: Entry, context: RowContext): string {
  const title = entry.rows[0]?.title ?? "";
  return entry.rows.length > 1 ? t("row.act_on", { act: groupName(entry, context), title }) : title;
}

/** An open group is told as what it is; else its newest stands for it. */
function titleOf(entry: Entry, context: RowContext): string {
  return opens(entry, context) ? groupName(entry, context) : (entry.rows[0]?.title ?? "");
}

function opens({ key, rows }: Entry, { opened }: RowContext): boolean {
  return rows.length > 1 && opened.has(key);
}

/** "12 notifications from Anna and 7 others"; "50+" where there may be more. */
function groupName(entry: Entry, { isPartial }: RowContext): string {
  const count = entry.rows.length;
  const n = isPartial(entry) ? `${count}+` : count;
  const [name, ...others] = actorsOf(entry.rows).map(({ actor }) => actor?.name ?? "");
  const names = others.length > 0 ? t("row.actors", { name: name ?? "", n: others.length }) : name;
  return names ? t("row.group_from", { n, names }) : t("row.group", { n });
}

function when({ created_at, snoozed_until }: Notification, now: number): TemplateResult {
  if (snoozed_until === null) {
    return html`<time part="time" datetime=${created_at} title=${exact(created_at)}>${ago(created_at, now)}</time>`;
  }
  const time = until(new Date(snoozed_until), new Date(now));
  return html`<time part="time" datetime=${snoozed_until} title=${exact(snoozed_until)}>
    ${icon("clock")}${t("row.until", { time })}
  </time>`;
}

/** Opens a group in place. */
function more(entry: Entry, context: RowContext): TemplateResult {
  const isOpen = opens(entry, context);
  return html`<button
    class="more link"
    part="more"
    type="button"
    data-slot="more"
    aria-expanded=${isOpen}
    @click=${() => context.toggle(entry)}
  >
    ${isOpen ? t("row.fewer") : groupName(entry, context)} ${icon("chevron")}
  </button>`;
}

function refusal({ rows }: Entry, { refusals }: RowContext): TemplateResult | typeof nothing {
  const reason = rows.map(({ id }) => refusals?.get(id)).find((each) => each !== undefined);
  return reason === undefined ? nothing : html`<p class="refusal" role="alert">${icon("warning")} ${reason}</p>`;
}

function control(act: Control, entry: Entry, context: RowContext): TemplateResult {
  const { slot, icon: name, label } = CONTROLS[act];
  const words = t(label);
  return html`<button
    class="icon-button ${slot}"
    part="control"
    type="button"
    data-slot=${slot}
    title=${words}
    aria-label=${t("row.act_on", { act: words, title: nameOf(entry, context) })}
    @click=${() => context.act(act, entry)}
  >
    ${icon(name)}
  </button>`;
}

function menuButton(entry: Entry, context: RowContext): TemplateResult {
  const words = t("row.menu");
  return html`<button
    class="icon-button"
    part="control"
    type="button"
    data-slot="menu"
    popovertarget="menu"
    aria-haspopup="menu"
    title=${words}
    aria-label=${t("row.act_on", { act: words, title: nameOf(entry, context) })}
    @click=${(event: MouseEvent) => context.menu(entry, event)}
  >
    ${icon("more")}
  </button>`;
}
