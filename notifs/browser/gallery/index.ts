/** The page `/gallery`: the elements as they are shipped, in every state; `?state=NAME` shows one by itself. */
import "./gallery.css";
import { answerHere } from "./mailbox";
import { prepared, STATES } from "./states";
import type { State } from "./states";

const { documentElement: root } = document;
const asked = new URLSearchParams(location.search).get("state");
const states = asked === null ? STATES.filter(({ isAlone }) => !isAlone) : STATES.filter(({ name }) => name === asked);

if (asked !== null) root.dataset["state"] = asked;
answerHere();
await prepared();
document.getElementById("states")?.append(...STATES.map(entry));
for (const state of states) await show(state);
scrollTo(0, 0);
root.dataset["ready"] = "";

function entry({ name }: State): HTMLElement {
  const url = new URL(location.href);
  url.searchParams.set("state", name);
  const item = document.createElement("li");
  item.append(Object.assign(document.createElement("a"), { href: url.href, textContent: name }));
  return item;
}

async function show({ name, draw, then }: State): Promise<void> {
  const section = Object.assign(document.createElement("section"), { id: name, className: "state" });
  const drawn = draw();
  section.append(Object.assign(document.createElement("h2"), { textContent: name }), drawn);
  section.classList.add(drawn.localName);
  document.getElementById("gallery")?.append(section);
  // Only what is in view is drawn.
  section.scrollIntoView();
  await drawn.updateComplete;
  await then?.(drawn);
  await settled();
}

/** What follows from it is drawn, too. */
async function settled(): Promise<void> {
  for (let frames = 0; frames < 3; frames += 1) await new Promise(requestAnimationFrame);
}
