/** Notifications of all sorts. Their times are told from now on backwards, so that the page looks the same on any day. */
import type { Notification } from "../core/wire";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let made = 0;

export function notification(age: number, fields: Partial<Notification> & { name?: string } = {}): Notification {
  made += 1;
  const { name, ...rest } = fields;
  const id = `00000000-0000-7000-8000-${String(made).padStart(12, "0")}`;
  return {
    id, kind: "comment.posted", title: `Notification ${made}`, body: null, url: "#top", icon: null,
    actor: name === undefined ? null : { id: null, name, avatar: null },
    actions: [], priority: "normal", group: null, data: null,
    created_at: new Date(Date.now() - age).toISOString(), received_at: "", mark_read: "#top",
    position: 0, revision: 0, seen_at: null, read_at: null, archived_at: null, snoozed_until: null, expires_at: null,
    ...rest,
  };
}

const long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(2);

/** In the feed's order: the last one is the newest. */
function ordered(rows: readonly Notification[]): Notification[] {
  return rows.map((row, index) => ({ ...row, position: rows.length - index, revision: rows.length - index }));
}

const read = (age: number): string => new Date(Date.now() - age).toISOString();

export function few(): Notification[] {
  return ordered([
    notification(0, { name: "Grace Hopper", title: "Grace Hopper mentioned you in Compilers", body: "Could you look at the linker once more? It drops a symbol.", priority: "urgent", kind: "mention.made" }),
    notification(3 * MINUTE, { name: "Ada Lovelace", title: "Ada Lovelace asks to join Engines", body: "“I have a note on it.”", kind: "member.asked", actions: [
      { label: "Accept", url: "/gallery/accept", method: "POST", style: "primary" },
      { label: "Decline", url: "/gallery/decline", method: "POST", style: "default" },
    ] }),
    notification(12 * MINUTE, { name: "Alan Turing", title: "Alan Turing commented on Notes on the engine", group: "notes/3" }),
    notification(20 * MINUTE, { name: "Barbara Liskov", title: "Barbara Liskov commented on Notes on the engine", group: "notes/3" }),
    notification(31 * MINUTE, { name: "Edsger Dijkstra", title: "Edsger Dijkstra commented on Notes on the engine", group: "notes/3" }),
    notification(2 * HOUR, { title: long, body: long, kind: "build.failed" }),
    notification(3 * HOUR, { name: "😀 Team", title: "👩‍👩‍👧‍👦 The party is on 🎉", body: "Bring 🥐, and a 🇪🇺 flag." }),
    notification(5 * HOUR, { name: "ليلى حداد", title: "علّقت ليلى حداد على ‏notifs 0.2‏ اليوم", body: "رائع! متى يصدر الإصدار القادم (v0.3)؟" }),
    notification(26 * HOUR, { name: "Katherine Johnson", title: "Katherine Johnson finished Trajectories", read_at: read(25 * HOUR), url: null }),
    notification(4 * DAY, { title: "make release finished", body: "It took 4 minutes and 12 seconds.", kind: "command.finished", read_at: read(3 * DAY), priority: "low" }),
  ]);
}

export function many(count = 40): Notification[] {
  const names = ["Grace Hopper", "Ada Lovelace", "Alan Turing", "Barbara Liskov", "Edsger Dijkstra", "Katherine Johnson"];
  const more = Array.from({ length: count }, (_, index) => {
    const name = names[index % names.length] ?? "";
    const age = 5 * DAY + index * 9 * HOUR;
    return notification(age, {
      name, title: `${name} commented on chapter ${index + 1}`, read_at: index % 3 === 0 ? null : read(age - HOUR),
    });
  });
  return ordered([...few(), ...more]);
}

export function snoozed(): Notification[] {
  const tomorrow = new Date(Date.now() + DAY).toISOString();
  return ordered([notification(HOUR, { name: "Ada Lovelace", title: "Ada Lovelace asked for your review", snoozed_until: tomorrow })]);
}

export function archived(): Notification[] {
  return ordered([notification(HOUR, { name: "Ada Lovelace", title: "Ada Lovelace thanked you", read_at: read(0), archived_at: read(0) })]);
}
