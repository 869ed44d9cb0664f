/** The page `/gallery`: the elements as they are shipped, in every state; `?state=NAME` shows one by itself. */
import "./gallery.css";
import { answerHere, closeAll } from "./mailbox";
import { prepared, STATES } from "./states";
import type { State } from "./states";

const { documentElement: root } = document;
const gallery = document.getElementById("gallery");

answerHere();
await prepared();
document.getElementById("states")?.append(...STATES.map(entry));
await showAsked();
// Another state is drawn where this one was: to load all anew takes longer.
navigation.addEventListener("navigate", (event) => {
  if (event.canIntercept && event.navigationType !== "reload" && besidesState(event.destination.url) === besidesState(location.href)) {
    event.intercept({ handler: showAsked });
  }
});

/** What is in an address beside the state that it asks for. */
function besidesState(address: string): string {
  const url = new URL(address);
  url.searchParams.delete("state");
  return url.href;
}

async function showAsked(): Promise<void> {
  delete root.dataset["ready"];
  gallery?.querySelectorAll(".state").forEach((each) => each.remove());
  closeAll();
  const asked = new URLSearchParams(location.search).get("state");
  if (asked === null) delete root.dataset["state"];
  else root.dataset["state"] = asked;
  for (const state of STATES) {
    if (asked === null ? !state.isAlone : state.name === asked) await show(state);
  }
  scrollTo(0, 0);
  root.dataset["ready"] = "";
}

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
  gallery?.append(section);
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
