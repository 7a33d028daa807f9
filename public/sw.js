// The service worker. It lets AnonChat start quickly from this device, and shows an offline page when there is no
// connection.
//
// It caches only two kinds of files:
//   - the shell: the files that GET /shell.json lists, {"version": "…", "files": ["/pkg/anonchat.<hash>.js", …]},
//     the same for everybody;
//   - the offline page with its style and its picture.
// Requests for rooms, messages, /api, /ws and every page that the server renders for a person always go to the network.
// Their answers are never cached.
//
// A new build: this file seldom changes, so the browser would not notice a new build by it. Instead, each visit to a
// page compares the version in /shell.json. A new shell is fetched completely into a separate cache before the old one
// is deleted. The files have their hash in their name, so a page never mixes two builds.
//
// A new version of this file waits until the last tab with the old one is closed: there is no skipWaiting and no
// clients.claim. Otherwise a new worker could answer a running page by other rules than those with which the page was
// loaded. Waiting does little harm: at worst the offline page is out of date.

const PREFIX = "shell-";
const OFFLINE_PAGE = "/offline.html";
const OFFLINE_FILES = [OFFLINE_PAGE, "/offline.css", "/icons/icon.svg"];

self.addEventListener("install", (event) => {
  event.waitUntil(refreshShell());
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      // Allows the browser to fetch a page while the worker is still starting.
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
  // The browser handles everything else, as if there were no worker.
});

/** Fetches a page from the network. Without a network the offline page is shown at the page's address. */
async function page(event) {
  try {
    const response = (await event.preloadResponse) ?? (await fetch(event.request));
    event.waitUntil(refreshShell().catch(() => {}));
    return response;
  } catch {
    return (await caches.match(OFFLINE_PAGE)) ?? Response.error();
  }
}

/** Returns a file with a hash in its name. It never changes, so the cached file is used if there is one. */
async function hashed(request) {
  return (await caches.match(request)) ?? fetch(request);
}

/** Returns a file whose content may change under its name. The cached file is used only without a network. */
async function freshOrKept(request) {
  try {
    return await fetch(request);
  } catch {
    return (await caches.match(request)) ?? Response.error();
  }
}

/**
 * Caches the shell of the server's present build, and deletes all others. Without a network it fails and changes
 * nothing.
 */
async function refreshShell() {
  const response = await fetch("/shell.json", { cache: "no-cache" });
  if (!response.ok) throw new Error(`/shell.json: status ${response.status}`);
  const { version, files } = await response.json();
  const name = PREFIX + version;

  const cache = await caches.open(name);
  // addAll stores all files or none, so a cache that has one of them has them all.
  if (!(await cache.match(OFFLINE_PAGE))) {
    await cache.addAll([...new Set([...files, ...OFFLINE_FILES])].map(shellRequest));
  }
  for (const other of await caches.keys()) {
    if (other.startsWith(PREFIX) && other !== name) await caches.delete(other);
  }
}

/** Files without a hash are fetched anew, and without cookies, so that the cache holds nothing personal. */
function shellRequest(path) {
  return path.startsWith("/pkg/") ? new Request(path) : new Request(path, { cache: "no-cache", credentials: "omit" });
}
