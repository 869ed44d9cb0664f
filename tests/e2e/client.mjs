// The official Socket.IO client against a real server: node client.mjs URL COOKIE [CURSOR [TOKEN...]]
// Prints each thing that happens as a line of JSON; takes events to send as lines of JSON: [event, data].
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(new URL("../../notifs/browser/package.json", import.meta.url));
const { io } = require("socket.io-client");
const [url, cookie, cursor, ...tokens] = process.argv.slice(2);
const say = (what, value) => console.log(JSON.stringify([what, value]));

const socket = io(`${url}/notifs`, {
  transports: ["websocket"],
  reconnection: tokens.length > 0,
  reconnectionDelay: 100,
  extraHeaders: cookie ? { cookie, origin: url } : {},
  auth: (give) => give({ ...(cursor ? { cursor } : {}), ...(tokens.length > 0 ? { token: tokens.shift() } : {}) }),
});
socket.on("connect", () => say("connect", null));
socket.on("connect_error", (error) => say("connect_error", error.data ?? String(error.description?.message ?? error.message)));
socket.on("disconnect", (reason) => say("disconnect", reason));
socket.on("response", (message) => say("response", message));
createInterface({ input: process.stdin }).on("line", async (line) => say("ack", await socket.emitWithAck(...JSON.parse(line))));
