// The service worker: AnonChat starts quickly from this device, and says so plainly when there is no connection.
//
// It keeps two kinds of things and nothing else:
//   - the shell: the files that GET /shell.json lists, {"version": "…", "files": ["/pkg/anonchat.<hash>.js", …]},
//     the same for everybody;
//   - the offline page with its style and its picture.
// Rooms, messages, /api, /ws and every page that a server renders for a person go to the network, always, and are
// never kept.
//
// A new build: this file seldom changes, so the browser would not notice one by it. Instead each visit to a page
// compares the version in /shell.json, and a new shell is fetched whole into a cache of its own before the old one
// goes. The files have their hash in their name, so a page never mixes two builds.
//
// A new version of this file itself waits until the last tab with the old one is closed: there is no skipWaiting and
// no clients.claim. A worker that took over a running page could answer it by other rules than those it was loaded
// under, and nothing here is urgent enough for that: what is out of date is at worst the offline page.

const PREFIX = "shell-";
const OFFLINE_PAGE = "/offline.html";
const OFFLINE_FILES = [OFFLINE_PAGE, "/offline.css", "/icons/icon.svg"];

self.addEventListener("install", (event) => {
  event.waitUntil(refreshShell());
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      // Lets a page be fetched while the worker itself is still starting.
      await self.registration.navigationPreload?.enable();
      await refreshShell().catch(() => {});
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;

  if (request.mode === "navigate") {
    event.respondWith(page(event));
  } else if (url.pathname.startsWith("/pkg/")) {
    event.respondWith(hashed(request));
  } else if (OFFLINE_FILES.includes(url.pathname)) {
    event.respondWith(freshOrKept(request));
  }
  // Everything else is the browser's own business, as if there were no worker.
});

// Push messages will be received here: a "push" listener that shows a notification, and a "notificationclick"
// listener that opens its room.

/** A page comes from the network. Without a network, the offline page is shown at its address. */
async function page(event) {
  try {
    const response = (await event.preloadResponse) ?? (await fetch(event.request));
    event.waitUntil(refreshShell().catch(() => {}));
    return response;
  } catch {
    return (await caches.match(OFFLINE_PAGE)) ?? Response.error();
  }
}

/** A file with its hash in its name never changes: the kept one is as good as any. */
async function hashed(request) {
  return (await caches.match(request)) ?? fetch(request);
}

/** A file whose name stays while its content may change: the kept one is only for when there is no network. */
async function freshOrKept(request) {
  try {
    return await fetch(request);
  } catch {
    return (await caches.match(request)) ?? Response.error();
  }
}

/** Keeps the shell of the server's present build, and drops all others. Fails, and changes nothing, without a network. */
async function refreshShell() {
  const response = await fetch("/shell.json", { cache: "no-cache" });
  if (!response.ok) throw new Error(`/shell.json: status ${response.status}`);
  const { version, files } = await response.json();
  const name = PREFIX + version;

  const cache = await caches.open(name);
  // addAll keeps either all or nothing, so a cache that has one of them has them all.
  if (!(await cache.match(OFFLINE_PAGE))) {
    await cache.addAll([...new Set([...files, ...OFFLINE_FILES])].map(shellRequest));
  }
  for (const other of await caches.keys()) {
    if (other.startsWith(PREFIX) && other !== name) await caches.delete(other);
  }
}

/** Anything that is not a hashed file is asked for anew, and without cookies: what is kept here is nobody's own. */
function shellRequest(path) {
  return path.startsWith("/pkg/") ? new Request(path) : new Request(path, { cache: "no-cache", credentials: "omit" });
}
