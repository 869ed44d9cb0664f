// Node's Socket.IO, with nothing around it. Start it with --expose-gc.
import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import { Server } from "socket.io"

const MESSAGE = JSON.parse(readFileSync(new URL("message.json", import.meta.url), "utf8"))
const SLICE = 100

const http = createServer(answer)
const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false, serveClient: false })

// Into the room of all, and into one's own, which the cookie names.
io.on("connection", socket => socket.join(["all", socket.handshake.headers.cookie]))

const turn = () => new Promise(resolve => setImmediate(resolve))

function message(n) {
    return { ...MESSAGE, notifs: [{ ...MESSAGE.notifs[0], title: `new-${n}` }] }
}

async function toAll(first, count) {
    for (let n = first; n < first + count; n++) {
        io.to("all").emit("response", message(n))
        await turn()
    }
}

async function toEach(first, count) {
    const people = connected()
    for (let n = first; n < first + count; n++) {
        io.to(`user-${n % people}`).emit("response", message(n))
        if (n % SLICE === SLICE - 1) await turn()
    }
}

function connected() {
    return io.sockets.adapter.rooms.get("all")?.size ?? 0
}

async function answer(request, response) {
    const url = new URL(request.url, "http://127.0.0.1")
    const [first, count] = ["first", "count"].map(name => Number(url.searchParams.get(name)))
    let said = {}
    if (url.pathname === "/all") await toAll(first, count)
    if (url.pathname === "/each") await toEach(first, count)
    if (url.pathname === "/count") said = { connected: connected() }
    if (url.pathname === "/collect") globalThis.gc()
    const body = JSON.stringify(said)
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": body.length })
    response.end(body)
}

http.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 4096 })
