// What this device keeps for the account that is logged in: the list of rooms, the end of each preserved room, and the
// messages that the server does not have yet. One IndexedDB database, `anonchat`, belongs to one session of one account
// and is deleted with it. Pages and the service worker load this file; it sets `self.anonchatStore`.
// docs/decisions/0030 says what is kept, for whom, and until when.
//
// Nothing here throws into a page. Where the browser stores nothing, reads return undefined and writes false. A write
// has succeeded when its transaction is complete. Inside a transaction nothing is awaited.
(() => {
  const NAME = "anonchat";
  const STORES = ["meta", "list", "rooms", "outbox"];
  /** A database that does not open in this time (another page blocks it) counts as no database. */
  const PATIENCE_MS = 2_000;
  /** Without contact for this long, the copy is deleted at the next opening. */
  const LONGEST_MS = 30 * 86_400_000;
  /** A message without an answer for this long is left to Background Sync. */
  const SYNC_AFTER_MS = 3_000;
  const isPage = typeof document === "object";
  /**
   * The browser's storage buckets, where it has them. The database is in one of its own, because deleting a bucket
   * deletes its files. A deleted database may stay readable in files that the browser has not cleaned up.
   */
  const buckets = navigator.storageBuckets;

  /** The open database, and for whom it was opened. */
  let database;
  /** Set once a page has given the store up: it may not make it anew. */
  let isOver = false;
  /** The rows of the outbox that this page wrote or read, by room and id. */
  const known = new Map();
  let newest = 0;
  /** The field of a form in which somebody typed last. */
  let edited;
  if (isPage) addEventListener("input", ({ target }) => target.id === "message" || (edited = target));

  const quiet = (promise) => promise.catch(() => undefined);

  /** The mark of the account that this page belongs to. The server writes it into each document but the shell. */
  function whose() {
    try {
      const here = localStorage.getItem("anonchat.account") ?? "";
      const who = document.documentElement.dataset.who ?? here;
      return who === here && who[0] === "a" && localStorage.getItem("anonchat.keep") !== "no" ? who : undefined;
    } catch {
      return undefined;
    }
  }

  async function factory(create) {
    if (!buckets) return indexedDB;
    if (!create && !(await buckets.keys()).includes(NAME)) return undefined;
    return (await buckets.open(NAME, { durability: "strict" })).indexedDB;
  }

  /** Opens the database as it is. Without `create` a database that does not exist stays so. */
  async function connect(create) {
    const from = await factory(create);
    if (!from) return undefined;
    return new Promise((resolve) => {
      const request = from.open(NAME, 1);
      let isLate = false;
      const none = () => {
        isLate = true;
        resolve(undefined);
      };
      const timer = setTimeout(none, PATIENCE_MS);
      request.onblocked = none;
      request.onerror = (event) => {
        event.preventDefault();
        none();
      };
      request.onupgradeneeded = () => {
        if (!create) return request.transaction.abort();
        for (const name of STORES) request.result.createObjectStore(name);
      };
      request.onsuccess = () => {
        const { result } = request;
        if (isLate) return result.close();
        clearTimeout(timer);
        const drop = () => {
          result.close();
          database = undefined;
        };
        // Another page deletes the database, or the browser has closed it. The next use opens it again.
        result.onversionchange = drop;
        result.onclose = drop;
        resolve(result);
      };
    });
  }

  /** Runs `work` in one transaction. `work` returns a function that reads the result once the transaction is complete. */
  function transact(opened, mode, work) {
    return new Promise((resolve, reject) => {
      const transaction = opened.transaction(STORES, mode, { durability: "strict" });
      let read;
      transaction.oncomplete = () => resolve(read ? read() : true);
      // Also a full disk ends here.
      transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
      read = work((name) => transaction.objectStore(name));
      // Without an explicit commit, a page that goes away would take the transaction with it.
      if (mode === "readwrite") transaction.commit?.();
    });
  }

  /** Opens the store of this person. What another person kept is deleted first. */
  async function open(who) {
    let opened = await connect(who !== undefined);
    if (!opened) return undefined;
    const owner = async () => {
      const meta = await transact(opened, "readonly", (of) => {
        const [is, list] = [of("meta").get("who"), of("list").get("list")];
        return () => ({ who: is.result, at: list.result?.at });
      });
      return meta.at !== undefined && Date.now() - meta.at > LONGEST_MS ? "nobody" : meta.who;
    };
    const is = await owner();
    if (who === undefined) return is && is !== "nobody" ? opened : (opened.close(), undefined);
    if (is !== undefined && is !== who) {
      opened.close();
      if (!(await remove())) return undefined;
      opened = await connect(true);
      if (!opened || ((await owner()) ?? who) !== who) return undefined;
    }
    await transact(opened, "readwrite", (of) => void of("meta").put(who, "who"));
    return opened;
  }

  /** Runs a transaction in this person's store. */
  async function run(mode, work, isAgain = false) {
    if (isOver || !self.indexedDB) return undefined;
    const who = isPage ? whose() : undefined;
    if (isPage && !who) return undefined;
    database ??= open(who);
    const waited = database;
    const opened = await quiet(waited);
    if (!opened) {
      if (database === waited) database = undefined;
      return undefined;
    }
    try {
      return await transact(opened, mode, work);
    } catch (error) {
      if (error?.name !== "InvalidStateError" || isAgain) return undefined;
      // It was closed meanwhile.
      if (database === waited) database = undefined;
      return run(mode, work, true);
    }
  }

  const write = async (work) => (await run("readwrite", (of) => void work(of))) === true;

  function remove() {
    const removed = new Promise((resolve, reject) => {
      if (buckets) return resolve(buckets.delete(NAME).then(() => true));
      const request = indexedDB.deleteDatabase(NAME);
      request.onsuccess = () => resolve(true);
      request.onerror = request.onblocked = reject;
    });
    return removed.catch(() => false);
  }

  /** Deletes everything. A page that did this keeps nothing any more: its person is leaving. */
  async function wipe() {
    isOver = isPage;
    known.clear();
    const before = await quiet(Promise.resolve(database));
    database = undefined;
    before?.close();
    return remove();
  }

  const saveRoom = (code, json) => write((of) => of("rooms").put({ at: Date.now(), json }, code));

  /** Deletes the copy of a room, and the messages to it. */
  function forgetRoom(code) {
    known.delete(code);
    return forget((of) => of === code);
  }

  /** Deletes the copies of rooms, and the messages to them. */
  async function forget(isGone) {
    const [codes, rows] = (await run("readonly", (of) => {
      const [codes, rows] = [of("rooms").getAllKeys(), of("outbox").getAll()];
      return () => [codes.result, rows.result];
    })) ?? [[], []];
    const [rooms, messages] = [codes.filter(isGone), rows.filter(({ code }) => isGone(code))];
    if (!rooms.length && !messages.length) return true;
    return write((of) => {
      for (const code of rooms) of("rooms").delete(code);
      for (const { id } of messages) of("outbox").delete(id);
    });
  }

  /**
   * Saves the account and its list, both as JSON, and deletes the copies of rooms that are not in it. The list shows
   * the text of a room's newest message only if the copy of the room has that message: it may be from before the room
   * began to keep messages.
   */
  async function saveList(account, json) {
    const [codes, copies] = (await run("readonly", (of) => {
      const [codes, copies] = [of("rooms").getAllKeys(), of("rooms").getAll()];
      return () => [codes.result, copies.result];
    })) ?? [[], []];
    const rooms = JSON.parse(json);
    for (const { code, last } of rooms) {
      const copy = copies[codes.indexOf(code)];
      if (last && !(copy && JSON.parse(copy.json).events.some(({ seq }) => seq === last.seq))) last.text = "…";
    }
    const kept = new Set(rooms.map(({ code }) => code));
    const isSaved = await write((of) =>
      of("list").put({ at: Date.now(), account, rooms: JSON.stringify(rooms) }, "list"),
    );
    return isSaved && forget((code) => !kept.has(code));
  }

  const room = (code) => run("readonly", (of) => read(of("rooms").get(code)));
  const list = () => run("readonly", (of) => read(of("list").get("list")));
  const read = (request) => () => request.result ?? null;

  /** The code of the room at this path. */
  const codeAt = (path) => /^\/rooms\/([0-9A-Z]{6})$/.exec(path)?.[1];

  /** What is kept for this path, as the JSON of a `Visit` (src/protocol). Undefined if nothing is. */
  async function visit(path) {
    const code = codeAt(path);
    if (!code && !["/", "/dashboard"].includes(path)) return undefined;
    const rooms = await list();
    const inside = code ? await room(code) : null;
    if (!rooms || (code && !inside)) return undefined;
    const page = code
      ? `{"Room":{"code":"${code}","access":{"Ok":{"Inside":${inside.json}}}}}`
      : '{"Dashboard":{"offer":null,"all":false}}';
    const { account } = rooms;
    return `{"page":${page},"refused_form":{},"account":${account},"rooms":${rooms.rooms},"local":null,"kept_at":${(inside ?? rooms).at}}`;
  }

  /** Adds messages to the outbox, or replaces them: `{ id, code, member, body, at, refusal }`. */
  const queue = (...rows) => write((of) => rows.forEach((row) => of("outbox").put(row, row.id)));
  const dequeue = (...ids) => write((of) => ids.forEach((id) => of("outbox").delete(id)));

  /** Marks a message as refused for good. Its author decides what becomes of it. */
  async function refuse(id, refusal) {
    const row = await run("readonly", (of) => read(of("outbox").get(id)));
    return row ? queue({ ...row, refusal }) : false;
  }

  /**
   * All messages of the outbox, in the order in which they were written: their ids are UUIDs of version 7, which begin
   * with the time. A hidden tab stores a message later than it was written.
   */
  async function outbox() {
    const rows = (await run("readonly", (of) => read(of("outbox").getAll()))) ?? [];
    return rows.sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  /** The outbox of a member in a room, as the JSON of `[[id, body, refusal], …]`. */
  async function outboxOf(code, member) {
    const rows = (await outbox()).filter((row) => row.code === code && row.member === member);
    const mine = known.get(code) ?? new Map();
    for (const row of rows) if (!mine.has(row.id)) mine.set(row.id, row);
    known.set(code, mine);
    return JSON.stringify(rows.map(({ id, body, refusal }) => [id, body, refusal]));
  }

  /**
   * Makes the outbox of a room equal to this list, which has the form of `outboxOf`. Only what this page wrote or read
   * is removed: another page may be writing, too.
   */
  async function saveOutbox(code, member, json) {
    const before = known.get(code) ?? new Map();
    const after = new Map();
    const changed = [];
    for (const [id, body, refusal] of JSON.parse(json || "[]")) {
      const old = before.get(id);
      newest = Math.max(Date.now(), newest + 1);
      const row = { id, code, member, body, at: old?.at ?? newest, refusal };
      after.set(id, row);
      if (!old || JSON.stringify(old.refusal) !== JSON.stringify(refusal)) changed.push(row);
    }
    const gone = [...before.keys()].filter((id) => !after.has(id));
    if (after.size) known.set(code, after);
    else known.delete(code);
    if (changed.length) setTimeout(syncLater, SYNC_AFTER_MS);
    if (!changed.length && !gone.length) return true;
    const isWritten = await write((of) => {
      for (const row of changed) of("outbox").put(row, row.id);
      for (const id of gone) of("outbox").delete(id);
    });
    // Then the next call tries all of it again.
    if (!isWritten) known.delete(code);
    return isWritten;
  }

  /**
   * Sends the outbox, oldest first and one message at a time, except that of one room. Returns whether all of it is
   * settled. Sending twice does no harm, since the server knows each id; the lock only saves requests.
   */
  function drain(except) {
    const send = async () => {
      const tried = new Set();
      const isNext = ({ id, code, refusal }) => !refusal && code !== except && !tried.has(id);
      for (let row; (row = (await outbox()).find(isNext)); tried.add(row.id)) {
        const { id, code, member, body } = row;
        const answer = await fetch("/api/messages", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ code, id, body, member_id: member }),
        });
        if (answer.ok) await dequeue(id);
        else if ([401, 429].includes(answer.status) || answer.status >= 500) return false;
        else await refuse(id, await problem(answer));
      }
      return true;
    };
    if (!self.indexedDB || isOver) return Promise.resolve(true);
    const sent = navigator.locks
      ? navigator.locks.request("anonchat-outbox", { ifAvailable: true }, (lock) => !lock || send())
      : send();
    return sent.catch(() => false);
  }

  async function problem(answer) {
    const { code = "internal", detail = "", ...more } = (await quiet(answer.json())) ?? {};
    return { code, detail, ...more };
  }

  /** Asks the browser to wake the service worker when there is a network, if messages are waiting. */
  function syncLater() {
    const waits = [...known.values()].some((rows) => [...rows.values()].some(({ refusal }) => !refusal));
    if (waits) navigator.serviceWorker?.ready.then((worker) => worker.sync?.register("outbox")).catch(() => {});
  }

  /** Called once a page runs. The room that it shows sends its own messages. */
  function start() {
    const send = () => drain(codeAt(location.pathname));
    send();
    addEventListener("online", send);
    document.addEventListener("visibilitychange", () => document.hidden && navigator.serviceWorker && syncLater());
    // The service worker fetches the shell in the language and look of this page.
    const { lang, dataset } = document.documentElement;
    const { theme, accent, textSize, hours } = dataset;
    const look = String(new URLSearchParams({ language: lang, theme, accent, text_size: textSize, hours }));
    navigator.serviceWorker?.ready.then((worker) => worker.active?.postMessage({ look }));
  }

  /**
   * Loads the page again in the newest build, and lets a service worker that waits take over before. A form that is
   * half filled in stays. The composer does not count, as its draft survives.
   */
  async function renew() {
    if (edited?.value && edited.checkVisibility()) return;
    (await quiet(Promise.resolve(navigator.serviceWorker?.getRegistration())))?.waiting?.postMessage("skip");
    location.reload();
  }

  /** Returns when the server can be reached. */
  async function reachable() {
    for (let wait = 2_000; ; wait = Math.min(wait * 1.5, 30_000)) {
      await new Promise((resolve) => setTimeout(resolve, wait * (1 + Math.random() / 2)));
      if (!document.hidden && (await quiet(fetch("/healthz", { cache: "no-store" })))?.ok) return;
    }
  }

  self.anonchatStore = {
    ...{ open, wipe, saveRoom, forgetRoom, room, saveList, list, visit },
    ...{ queue, dequeue, refuse, outbox, outboxOf, saveOutbox, drain, start, renew, reachable },
  };
})();
