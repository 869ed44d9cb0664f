/**
 * The service worker: the inbox page can be read without a network.
 *
 * It keeps the inbox as it was last seen, of one person, and the files that this page names; nothing else. The page is
 * asked for at the server first, always: so what is kept never hides what is there, and a new version of everything is
 * taken with the first page that names it. It is forgotten as soon as the person leaves, or the server does not know
 * them any more; keep.ts does the same from the page.
 */
declare const self: ServiceWorkerGlobalScope;
export {}; // a module, for the compiler: so `self` is ours

const SCOPE = new URL(self.registration.scope).pathname;
const INBOX = `${SCOPE}notifications/`;
const FILES = `${SCOPE}notifs/static/`;
const PARTS = `${FILES}parts/`;
/** Whoever goes to one of these is not signed in, or soon will not be. */
const DOORS = [`${SCOPE}login/`, `${SCOPE}logout/`];
/** Caches are named by who can read what is in them. */
const OURS = `notifs ${SCOPE} `;
/** Where keep.ts puts what has changed since the page came: its island. */
const ISLAND = `${FILES}island`;
/** A file that is named with its hash. */
const FILE = /(?:href|src)="([^"]+(?:\?v=\w+|\/parts\/[\w-]+\.js))"/g;
/** What the page has of this: the server writes it just so. */
const ISLAND_ELEMENT = /(<script type="application\/json" id="notifs-island">)(.*?)(<\/script>)/s;
/** A sign-in may end while nobody is there to tell us. */
const MOST_AGE = 7 * 86_400_000;

/** Counts how often all was forgotten, so that what was asked for before is not kept after. */
let forgotten = 0;

self.addEventListener("install", () => void self.skipWaiting()); // pages need nothing of the old one that we do not do
self.addEventListener("activate", (event) => event.waitUntil(copy(INBOX).then(refresh))); // what is too old goes
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname, search } = new URL(request.url);
  if (origin !== location.origin) return;
  if (request.mode !== "navigate") {
    const isNamed = pathname.startsWith(PARTS) || search.startsWith("?v=");
    if (pathname.startsWith(FILES) && isNamed) event.respondWith(file(request));
  } else if (pathname === INBOX && request.method === "GET") {
    event.respondWith(inbox(event));
  } else if (DOORS.some((door) => pathname.startsWith(door))) {
    event.waitUntil(forget());
  }
});

/** The page came before there was a worker that could have kept it. */
async function refresh(): Promise<void> {
  const since = forgotten;
  const response = await fetch(INBOX, { redirect: "manual", credentials: "same-origin" }).catch(() => null);
  if (response !== null) await take(INBOX, response, since);
}

async function inbox(event: FetchEvent): Promise<Response> {
  const { url } = event.request;
  const since = forgotten;
  const response = await fetch(event.request).catch(() => null);
  if (response !== null && response.status < 500) {
    event.waitUntil(take(url, response.clone(), since));
    return response;
  }
  return (await copy(url)) ?? response ?? Response.error();
}

/** The files that pages name with their hash never change. */
async function file(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request);
}

/** Keep a page that the server has sent, or forget what it says is not to be read any more. */
async function take(url: string, response: Response, since: number): Promise<void> {
  if (response.type === "opaqueredirect" || response.status === 401 || response.status === 403) return forget();
  if (!response.ok) return;
  const html = await response.text();
  const island = ISLAND_ELEMENT.exec(html)?.[2];
  if (island === undefined) return; // an older stretch of the list
  const { person } = JSON.parse(island) as { person: string };
  const [head = ""] = html.split("</head>", 1); // below, a link may be anybody's
  const files = [...head.matchAll(FILE)].flatMap(([, path]) => path ?? []);
  const cache = await current(person, files);
  await cache.put(url, new Response(html, { headers: response.headers }));
  if (isPlain(url)) await cache.delete(ISLAND);
  if (since !== forgotten) await forget();
}

/**
 * The cache of a person, with these files. What is of somebody else goes, and then what is of another version of ours, once
 * this one is there: until then it is better than nothing.
 */
async function current(person: string, files: readonly string[]): Promise<Cache> {
  const name = OURS + person;
  const known = await Promise.all(files.map((path) => caches.match(path, { cacheName: name })));
  await drop((each) => each !== name);
  const cache = await caches.open(name);
  if (known.every((kept) => kept !== undefined)) return cache;
  const old = await cache.keys();
  await cache.addAll(files);
  const current = new Set(files.map((path) => new URL(path, location.href).href));
  await Promise.all(old.map((request) => current.has(request.url) || cache.delete(request)));
  return cache;
}

/** What was kept, which says so itself: with `data-kept`, the time that it was sent at. What is too old is forgotten. */
async function copy(url: string): Promise<Response | null> {
  const [name] = (await caches.keys()).filter((each) => each.startsWith(OURS));
  if (name === undefined) return null;
  const cache = await caches.open(name);
  const exact = await cache.match(url);
  const kept = exact ?? (await cache.match(INBOX));
  const island = exact === undefined || isPlain(url) ? await cache.match(ISLAND) : undefined;
  const sent = new Date((island ?? kept)?.headers.get("date") ?? 0);
  if (kept === undefined) return null;
  if (Date.now() - sent.getTime() > MOST_AGE) {
    await (exact === undefined || isPlain(url) ? forget() : cache.delete(url));
    return null;
  }
  const html = (await kept.text()).replace("<html ", `<html data-kept="${sent.toISOString()}" `);
  const json = (await island?.text())?.replaceAll("<", "\\u003c");
  const fresh = json === undefined ? html : html.replace(ISLAND_ELEMENT, (_, open, __, close) => open + json + close);
  return new Response(fresh, { headers: kept.headers });
}

/** The inbox as it opens, without a filter: the one whose changes are kept. */
function isPlain(url: string): boolean {
  return new URL(url, location.href).search === "";
}

async function forget(): Promise<void> {
  forgotten += 1;
  await drop(() => true);
}

async function drop(isMeant: (name: string) => boolean): Promise<void> {
  const names = (await caches.keys()).filter((name) => name.startsWith(OURS) && isMeant(name));
  await Promise.all(names.map((name) => caches.delete(name)));
}
