// The service worker. It lets AnonChat start from this device: quickly, and without a network.
//
// It caches only what is the same for everybody:
//   - the shell: the files that GET /shell.json lists, {"version": "…", "files": ["/pkg/anonchat.<hash>.js", …]}, and
//     the document /shell in the language and look of the page that was open last. The document has no data;
//   - the offline page with its style and its picture;
//   - the emoji picker, from its first use on.
// Requests for rooms, messages, /api, /ws, /stream and every page that the server renders for a person always go to the
// network. Their answers are never cached. What the device keeps of an account is in IndexedDB (store.js), and the
// shell shows it.
//
// Pages: the network is first. If it fails, has an error of a server, or says nothing for three seconds, the shell is
// shown at addresses for which the device keeps something. The offline page is shown for the rest, and only if the
// network fails, or a proxy answers for a server that does not.
//
// A new build: this file seldom changes, so the browser would not notice a new build by it. Instead, each visit to a
// page compares the version in /shell.json. A new shell is fetched completely into a separate cache. The one before is
// kept until no page is open that may need it. Files have their hash in their name, so a page never mixes two builds.
//
// A new version of this file waits until the last tab with the old one is closed, or until a page asks for it (`skip`)
// because it is about to be loaded anew. Otherwise a new worker could answer a running page by other rules than those
// with which the page was loaded. There is no clients.claim.

importScripts("/store.js");

const PREFIX = "shell-";
const SHELL = "/shell";
const OFFLINE_PAGE = "/offline.html";
const OFFLINE_FILES = [OFFLINE_PAGE, "/offline.css", "/icons/icon.svg"];
/** Scripts without a hash in their name. The version of the build is in their query. */
const SCRIPTS = ["/store.js", "/window.js", "/messages.js"];
/** The emoji picker. Its cache has the files of one build, and others only until the next ones have come. */
const EMOJI = /^\/emoji(\.js|\/[a-z]+\.tsv)$/;
const EMOJI_CACHE = "emoji";
/** What another app has shared, until the page asks for it. It is in no address and on no disk. */
let shared = "";
/** How long the network may take for a page before the device's copy is shown. */
const PATIENCE_MS = 3_000;

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

self.addEventListener("message", (event) => {
  const { data } = event;
  if (data === "skip") self.skipWaiting();
  else if (data === "shared") {
    event.ports[0].postMessage(shared);
    shared = "";
  } else if (data?.look) event.waitUntil(keepLook(data.look).catch(() => {}));
});

// Messages were waiting, and there is a network again. If not all of them go out, the browser wakes this worker later.
self.addEventListener("sync", (event) => {
  if (event.tag !== "outbox") return;
  const sent = self.anonchatStore.drain().then((isSettled) => isSettled || Promise.reject(new Error("not all sent")));
  event.waitUntil(sent);
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.method === "POST" && url.pathname === "/share") event.respondWith(share(request));
  if (request.method !== "GET") return;

  if (request.mode === "navigate") {
    event.respondWith(page(event, url.pathname));
  } else if (url.pathname.startsWith("/pkg/") || SCRIPTS.includes(url.pathname)) {
    event.respondWith(unchanging(request));
  } else if (EMOJI.test(url.pathname)) {
    event.respondWith(onceUsed(request));
  } else if (OFFLINE_FILES.includes(url.pathname)) {
    event.respondWith(freshOrKept(request));
  }
  // The browser handles everything else, as if there were no worker.
});

/** Receives what another app shares (manifest.json), and opens the app. window.js then asks for the text. */
async function share(request) {
  const fields = await request.formData();
  const parts = ["title", "text", "url"].map((name) => fields.get(name) ?? "");
  shared = parts.reduce((all, part) => (all.includes(part) ? all : `${all}\n${part}`.trim()), "");
  return Response.redirect("/open#shared", 303);
}

/** Answers the request for a page. */
async function page(event, path) {
  const network = fromNetwork(event);
  let isShellShown = false;
  const shell = async (isWanted) => {
    const kept = isWanted ? await newest(SHELL) : undefined;
    isShellShown ||= kept !== undefined;
    return kept;
  };
  // The answer may come after the shell was shown. It is waited for in any case, since the browser began to fetch it. A
  // shell may need the files of the build before.
  event.waitUntil(network.then(({ isAlone }) => refreshShell(undefined, isAlone && !isShellShown)).catch(() => {}));
  const isKept = async (path) => (await self.anonchatStore.visit(path)) !== undefined;
  const slow = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  const isError = ({ status }) => status >= 500;
  let answer = Response.error();
  try {
    const first = await Promise.race([network, slow]);
    if (first && !isError(first.response)) return first.response;
    const kept = await shell(await isKept(path));
    if (kept) return kept;
    answer = (await network).response;
    if (!isError(answer) || isOwn(answer)) return answer;
  } catch {
    // There is no network.
  }
  const isOfApp = /^\/(open|dashboard|rooms\/[0-9A-Z]{6})?$/.test(path);
  return (await shell(isOfApp && (await isKept("/dashboard")))) ?? (await newest(OFFLINE_PAGE)) ?? answer;
}

/**
 * Whether a response is from the server of the application, which gives this header to all that it sends. A network
 * that wants a login first, or a proxy whose server is away, answers any request with a page of its own.
 */
const isOwn = ({ headers }) => headers.get("cross-origin-resource-policy") === "same-origin";

async function fromNetwork(event) {
  const isAlone = (await self.clients.matchAll({ type: "window", includeUncontrolled: true })).length === 0;
  return { response: (await event.preloadResponse) ?? (await fetch(event.request)), isAlone };
}

/** Returns a cached file of the newest build that has it. The query does not count. */
async function newest(path) {
  for (const name of (await builds()).reverse()) {
    const kept = await (await caches.open(name)).match(path, { ignoreSearch: true });
    if (kept) return kept;
  }
  return undefined;
}

/** Returns a file whose address names its content. It never changes, so the cached file is used if there is one. */
async function unchanging(request) {
  return (await caches.match(request)) ?? fetch(request);
}

/** Returns a file whose content may change under its name. The cached file is used only without the server. */
async function freshOrKept(request) {
  const fresh = await fetch(request).catch(() => undefined);
  const kept = fresh?.ok && isOwn(fresh) ? undefined : await caches.match(request);
  return kept ?? fresh ?? Response.error();
}

/** Returns a file that is cached when it is used for the first time. Without the server that of another build will do. */
async function onceUsed(request) {
  const cache = await caches.open(EMOJI_CACHE);
  const kept = await cache.match(request);
  if (kept) return kept;
  const fresh = await fetch(request).catch(() => undefined);
  if (!fresh?.ok || !isOwn(fresh))
    return (await cache.match(request, { ignoreSearch: true })) ?? fresh ?? Response.error();
  await cache.delete(request, { ignoreSearch: true });
  await cache.put(request, fresh.clone());
  return fresh;
}

/** The names of the caches of builds, oldest first. Caches are in the order in which they were made. */
const builds = async () => (await caches.keys()).filter((name) => name.startsWith(PREFIX));

/** Caches the shell in the look of the page that asks, unless it has that look. */
async function keepLook(look) {
  const [name] = (await builds()).reverse();
  const [shell] = name ? await (await caches.open(name)).keys(SHELL, { ignoreSearch: true }) : [];
  if (!shell || new URL(shell.url).search !== `?${look}`) await refreshShell(look);
}

/** The last call of `refreshShell`. The calls wait for one another, so that no file is fetched twice. */
let refreshing = Promise.resolve();

/**
 * Caches the shell of the server's present build. Without a network it fails and changes nothing. Of earlier builds the
 * last one stays, unless no page is open that was made by it. `look` is the query of the shell: how the page looks that
 * asks. Without it the shell looks as before.
 */
function refreshShell(look, isAlone = false) {
  const refresh = () => refreshNow(look, isAlone);
  refreshing = refreshing.then(refresh, refresh);
  return refreshing;
}

async function refreshNow(look, isAlone) {
  const response = await fetch("/shell.json", { cache: "no-cache" });
  if (!response.ok) throw new Error(`/shell.json: status ${response.status}`);
  const { version, files } = await response.json();
  const name = PREFIX + version;
  const all = await builds();
  const before = all.filter((other) => other !== name);
  // If the server returns to an earlier build, its cache is made again and is the newest.
  if (all.at(-1) !== name) await caches.delete(name);

  const cache = await caches.open(name);
  const [shell] = await cache.keys(SHELL, { ignoreSearch: true });
  // The document is stored last, so a cache that has it has all files.
  if (!shell) {
    const [last] = before.slice(-1);
    const [old] = last ? await (await caches.open(last)).keys(SHELL, { ignoreSearch: true }) : [];
    const document = look ? `${SHELL}?${look}` : old ? SHELL + new URL(old.url).search : SHELL;
    const paths = [...files.filter((file) => file !== SHELL), ...OFFLINE_FILES];
    try {
      await store(cache, version, [...new Set(paths)]);
      await store(cache, version, [document]);
    } catch (error) {
      // Otherwise a cache without its files would count as the build before.
      await caches.delete(name);
      throw error;
    }
  } else if (look && new URL(shell.url).search !== `?${look}`) {
    await store(cache, version, [`${SHELL}?${look}`]);
    await cache.delete(shell);
  }
  for (const other of isAlone ? before : before.slice(0, -1)) await caches.delete(other);
}

/**
 * Stores files in a cache. Fails if one does not come, is not from the server, or is the document of another build,
 * from a node that is not updated yet.
 */
async function store(cache, version, paths) {
  const load = async (path) => {
    const request = shellRequest(path);
    const response = await fetch(request);
    const isOfBuild = async () => (await response.clone().text()).includes(`data-version="${version}"`);
    if (!response.ok || !isOwn(response) || (path.startsWith(SHELL) && !(await isOfBuild())))
      throw new Error(`${path}: not the file of this build`);
    await cache.put(request, response);
  };
  await Promise.all(paths.map(load));
}

/** Files without a hash are fetched anew, and without cookies, so that the cache holds nothing personal. */
function shellRequest(path) {
  return path.startsWith("/pkg/") ? new Request(path) : new Request(path, { cache: "no-cache", credentials: "omit" });
}
