/** What a bell does beyond itself: the page's title and icon say what is new, and the inbox is kept for reading offline. */
export { Badge } from "../alerts/badge";
export { beOffline } from "../offline/offline";
export { pulse } from "./pulse";
