/** All that tells of what arrives, and lets people choose how: one part, which comes after the first look at a page. */
import { learn } from "../words";
import english from "../words/en.json?alerting";

export { alertSettings, SETTINGS } from "./alert-settings";
export { Stack } from "./stack";

learn(english);
