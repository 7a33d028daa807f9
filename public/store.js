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
  /** Without contact for this long, the copies of the list and of rooms are deleted at the next opening. */
  const LONGEST_MS = 30 * 86_400_000;
  /** A message without an answer for this long is left to Background Sync. */
  const SYNC_AFTER_MS = 3_000;
  /** A request for a message fails if its answer is not complete after this time. */
  const ANSWER_MS = 20_000;
  /** A message that may be sent again within this time waits. With a longer wait it counts as refused. */
  const LONGEST_WAIT_MS = 15_000;
  /** The waits between attempts to send the outbox grow from the first to the second. */
  const SEND_AGAIN_MS = [2_000, 60_000];
  /** A page does not wait longer for a new service worker before it is loaded again. */
  const TAKE_OVER_MS = 2_000;
  const isPage = typeof document === "object";
  /**
   * The browser's storage buckets, where it has them. The database is in one of its own, because deleting a bucket
   * deletes its files. A deleted database may stay readable in files that the browser has not cleaned up.
   */
  const buckets = navigator.storageBuckets;

  /** The database, once it is open. */
  let database;
  /** Set once a page has given the store up: it may not make it anew. */
  let isOver = false;
  /** The rows of the outbox that this page wrote or read, by room and id. */
  const known = new Map();
  /** The field of a form in which somebody typed last. */
  let edited;
  if (isPage) addEventListener("input", ({ target }) => target.id === "message" || (edited = target));

  const quiet = (promise) => promise.catch(() => undefined);
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  /** The mark of the account that is logged in in this browser. Empty if there is none. */
  function present() {
    try {
      return localStorage.getItem("anonchat.account") ?? "";
    } catch {
      return "";
    }
  }

  /**
   * The mark of the account that this page belongs to. The server writes it into each document but the shell, which
   * belongs to whoever is logged in when it starts, and to nobody who logs in later in another tab.
   */
  const own = isPage ? (document.documentElement.dataset.who ?? present()) : undefined;

  /** The same mark, as long as the account is logged in in this browser and wants a copy. */
  function whose() {
    const isHere = own === present() && own[0] === "a";
    return isHere && localStorage.getItem("anonchat.keep") !== "no" ? own : undefined;
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

  /** Runs `work` in one transaction. `work` returns a function that reads the result once the transaction is over. */
  function transact(opened, mode, work) {
    return new Promise((resolve, reject) => {
      const transaction = opened.transaction(STORES, mode, { durability: "strict" });
      let read;
      transaction.oncomplete = () => resolve(read ? read() : true);
      // Also a full disk ends here.
      transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
      read = work((name) => transaction.objectStore(name));
      // Without an explicit commit, a page that goes away would take the transaction with it. One that reads before it
      // writes commits by itself.
      if (mode === "readwrite" && !read) transaction.commit?.();
    });
  }

  /**
   * Returns whose store this is. A new one becomes that of `who`. Both in one transaction, since tabs race. Copies that
   * are too old are deleted, but no message that was not sent: a clock that runs ahead makes everything look old.
   */
  const claim = (opened, who) =>
    transact(opened, "readwrite", (of) => {
      const [is, list] = [of("meta").get("who"), of("list").get("list")];
      list.onsuccess = () => {
        if (is.result === undefined && who) of("meta").put(who, "who");
        if (Date.now() - list.result?.at > LONGEST_MS) for (const name of ["list", "rooms"]) of(name).clear();
      };
      return () => is.result ?? who;
    });

  /** Opens the store of this person. What another person kept is deleted first. */
  async function open(who) {
    for (const isLast of [false, true]) {
      const opened = await connect(who !== undefined);
      if (!opened) return undefined;
      const owner = await claim(opened, who);
      // A page of somebody who has left meanwhile may have made the database again that was deleted.
      const isLate = isPage && whose() !== who;
      if (owner && !isLate && (who ?? owner) === owner) return opened;
      opened.close();
      // If another account is here by now, its own page deletes what is not its own.
      const isOfOther = isLate && !["", who].includes(present());
      if (!isPage || isLast || isOfOther || !(await remove()) || isLate) return undefined;
    }
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

  /** Saves the copy of a room, a `Snapshot` as JSON, and which events it has. */
  function saveRoom(code, json) {
    const { events, head } = JSON.parse(json);
    return write((of) => of("rooms").put({ at: Date.now(), json, from: events[0]?.seq, head }, code));
  }

  /** Deletes the copy of a room, and the messages to it. */
  function forgetRoom(code) {
    known.delete(code);
    return forget(
      (of) => of === code,
      () => true,
    );
  }

  /** Deletes the copies of rooms, and of the messages to them those that match. */
  async function forget(isGone, isNotWanted) {
    const [codes, rows] = (await run("readonly", (of) => {
      const [codes, rows] = [of("rooms").getAllKeys(), of("outbox").getAll()];
      return () => [codes.result, rows.result];
    })) ?? [[], []];
    const [rooms, messages] = [codes.filter(isGone), rows.filter((row) => isGone(row.code) && isNotWanted(row))];
    if (!rooms.length && !messages.length) return true;
    return write((of) => {
      for (const code of rooms) of("rooms").delete(code);
      for (const { id } of messages) of("outbox").delete(id);
    });
  }

  /**
   * Saves the account and its list, both as JSON, and deletes the copies of rooms that are not in it. A message to such
   * a room stays until the server has taken it or refused it: the room may only have stopped keeping messages. The list
   * shows the text of a room's newest message only if the copy of the room has that message: it may be from before the
   * room began to keep messages.
   */
  async function saveList(account, json) {
    const [codes, copies] = (await run("readonly", (of) => {
      const [codes, copies] = [of("rooms").getAllKeys(), of("rooms").getAll()];
      return () => [codes.result, copies.result];
    })) ?? [[], []];
    const rooms = JSON.parse(json);
    for (const { code, last } of rooms) {
      const copy = copies[codes.indexOf(code)];
      if (last && !(copy?.from <= last.seq && last.seq <= copy.head)) last.text = "…";
    }
    const kept = new Set(rooms.map(({ code }) => code));
    const isSaved = await write((of) =>
      of("list").put({ at: Date.now(), account, rooms: JSON.stringify(rooms) }, "list"),
    );
    const isGone = (code) => !kept.has(code);
    return isSaved && forget(isGone, ({ refusal }) => refusal);
  }

  const room = (code) => run("readonly", (of) => read(of("rooms").get(code)));
  const list = () => run("readonly", (of) => read(of("list").get("list")));
  const read = (request) => () => request.result ?? null;

  /** The code of the room at this path. */
  const codeAt = (path) => /^\/rooms\/([0-9A-Z]{6})$/.exec(path)?.[1];

  /** What is kept for this path, as the JSON of a `Visit` (src/protocol). Undefined if nothing is. */
  async function visit(path) {
    const code = codeAt(path);
    if (!code && !["/", "/open", "/dashboard"].includes(path)) return undefined;
    const rooms = await list();
    const inside = code ? await room(code) : null;
    if (!rooms || (code && !inside)) return undefined;
    const page = code
      ? `{"Room":{"code":"${code}","access":{"Ok":{"Inside":${inside.json}}}}}`
      : '{"Dashboard":{"offer":null,"all":false}}';
    const { account } = rooms;
    return `{"page":${page},"refused_form":{},"account":${account},"rooms":${rooms.rooms},"local":null,"kept_at":${(inside ?? rooms).at}}`;
  }

  /**
   * Marks a message as refused for good. Its author decides what becomes of it. Reads and writes in one transaction: a
   * page may have the message acknowledged at the same time, and it must not come back.
   */
  const refuse = (id, refusal) =>
    run("readwrite", (of) => {
      const row = of("outbox").get(id);
      row.onsuccess = () => row.result && of("outbox").put({ ...row.result, refusal }, id);
      return () => true;
    });

  /** All messages of the outbox, in the order in which they were written. */
  async function outbox() {
    const rows = (await run("readonly", (of) => read(of("outbox").getAll()))) ?? [];
    return rows.sort((one, other) => one.at - other.at || (one.id < other.id ? -1 : 1));
  }

  /** When a message was written: its id is a UUID of version 7, which begins with the time. */
  const writtenAt = (id) => parseInt(id.replace("-", "").slice(0, 12), 16);

  /**
   * The outbox of a member in a room, one text for each draft: the JSON of `[[id, body, refusal, kind, mentions]]`. Drafts
   * of earlier versions have no kind, and most have no mentions. So a draft that the page cannot read takes no other with
   * it.
   */
  async function outboxIn(code, member) {
    const rows = (await outbox()).filter((row) => row.code === code && row.member === member);
    const mine = known.get(code) ?? new Map();
    for (const row of rows) if (!mine.has(row.id)) mine.set(row.id, row);
    known.set(code, mine);
    return rows.map(({ id, body, refusal, kind, mentions }) =>
      JSON.stringify([[id, body, refusal, ...[kind, mentions].filter(Boolean)]]),
    );
  }

  /**
   * Makes the outbox of a room equal to this list, the JSON of `[[id, body, refusal, kind, mentions], …]` in the order of
   * writing. Only what this page wrote or read is removed: another page may be writing, too.
   */
  async function saveOutbox(code, member, json) {
    const before = known.get(code) ?? new Map();
    const after = new Map();
    const changed = [];
    let last = 0;
    for (const [id, body, refusal, kind, mentions] of JSON.parse(json || "[]")) {
      const old = before.get(id);
      // The time in the id, because a hidden tab stores a message later than it was written. A clock that went back
      // meanwhile does not change the order of the list.
      const at = old?.at ?? Math.max(writtenAt(id), last + 1);
      last = Math.max(last, at);
      const row = { id, code, member, body, at, refusal, kind, mentions };
      after.set(id, row);
      const content = (row) => row && JSON.stringify([row.body, row.refusal, row.mentions]);
      if (content(old) !== content(row)) changed.push(row);
    }
    const gone = [...before.keys()].filter((id) => !after.has(id));
    known.set(code, after);
    if (changed.length) setTimeout(syncLater, SYNC_AFTER_MS);
    if (!changed.length && !gone.length) return true;
    const isWritten = await write((of) => {
      for (const row of changed) of("outbox").put(row, row.id);
      for (const id of gone) of("outbox").delete(id);
    });
    if (!isWritten) {
      // Then the next call tries the same again.
      const now = known.get(code) ?? new Map();
      for (const { id } of changed) now.delete(id);
      for (const id of [...changed.map(({ id }) => id), ...gone]) if (before.has(id)) now.set(id, before.get(id));
      known.set(code, now);
    }
    return isWritten;
  }

  /**
   * Posts a message, or changes one. The kinds are those of `DraftKind` (src/protocol/draft.rs). Returns the status and
   * the JSON of the answer, and fails if there is none.
   */
  async function post({ id, code, member, body, kind, mentions }) {
    const target = kind?.edit?.target ?? kind?.delete;
    const called = { mentions: mentions?.people?.map((person) => person.id), everyone: mentions?.everyone };
    const message = { code, id, body, member_id: member, reply_to: kind?.reply, ...called };
    const change = { code, id: target?.id, body, after: kind?.edit?.after ?? undefined, ...called };
    const answer = await fetch(target ? `/api/messages/${target.seq}` : "/api/messages", {
      method: kind?.edit ? "PATCH" : kind?.delete ? "DELETE" : "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(target ? change : message),
      signal: AbortSignal.timeout?.(ANSWER_MS),
    });
    return { isOk: answer.ok, status: answer.status, said: await answer.json() };
  }

  /**
   * Sends the outbox, oldest first and one message at a time, except that of one room. Returns whether all of it is
   * settled. Sending twice does no harm, since the server knows each id. The lock saves requests, and lets one page or
   * the service worker go on where another has ended.
   *
   * Only the server's own acknowledgement or refusal settles a message. Networks and proxies answer in its place, with
   * pages and statuses of their own.
   */
  function drain(except) {
    const send = async () => {
      const tried = new Set();
      const isNext = ({ id, code, refusal }) => !refusal && code !== except && !tried.has(id);
      for (let rows; (rows = (await outbox()).filter(isNext)).length;) {
        for (const { id } of rows) {
          tried.add(id);
          // It may have been sent, refused or given up meanwhile.
          const row = await run("readonly", (of) => read(of("outbox").get(id)));
          if (row && !row.refusal && !(await settle(row))) return false;
        }
      }
      return true;
    };
    if (!self.indexedDB || isOver) return Promise.resolve(true);
    const sent = navigator.locks ? navigator.locks.request("anonchat-outbox", send) : send();
    return sent.catch(() => false);
  }

  /** Sends a message until the server has taken or refused it. Returns false if neither is possible at present. */
  async function settle(row) {
    for (;;) {
      const { isOk, status, said } = await post(row);
      const isChange = row.kind?.edit ?? row.kind?.delete;
      const isAck = isOk && (isChange ? Number.isInteger(said.seq) : said.id === row.id);
      const isRefusal = !isOk && typeof said.code === "string" && typeof said.detail === "string";
      if (!isAck && (!isRefusal || status === 401 || status >= 500)) return false;
      const wait = said.retry_after_ms ?? SEND_AGAIN_MS[0];
      if (status === 429 && wait <= LONGEST_WAIT_MS) {
        await pause(wait);
        continue;
      }
      // Without a disk that can be written the message stays stored, and the next page sends it again.
      await (isAck ? write((of) => of("outbox").delete(row.id)) : refuse(row.id, said));
      return true;
    }
  }

  /** Asks the browser to wake the service worker when there is a network, if messages are waiting. */
  function syncLater() {
    const waits = [...known.values()].some((rows) => [...rows.values()].some(({ refusal }) => !refusal));
    if (waits) sync();
  }

  const sync = () =>
    navigator.serviceWorker?.ready.then((worker) => worker.sync?.register("outbox")).catch(() => undefined);

  let sending;
  let untilNext = SEND_AGAIN_MS[0];

  /** Sends the outbox, and tries again until all of it is settled. The room that the page shows sends its own. */
  async function send() {
    clearTimeout(sending);
    const isSettled = await drain(codeAt(location.pathname));
    if (!isSettled) sync();
    clearTimeout(sending);
    sending = isSettled ? undefined : setTimeout(send, untilNext);
    untilNext = isSettled ? SEND_AGAIN_MS[0] : Math.min(2 * untilNext, SEND_AGAIN_MS[1]);
  }

  /** Called once a page runs. */
  function start() {
    send();
    addEventListener("online", send);
    document.addEventListener("visibilitychange", () => document.hidden && navigator.serviceWorker && syncLater());
    // The service worker fetches the shell in the language and look of this page.
    const { lang, dataset } = document.documentElement;
    const { theme, accent, textSize: text_size, hours, showMarks: show_marks } = dataset;
    const look = String(new URLSearchParams({ language: lang, theme, accent, text_size, hours, show_marks }));
    navigator.serviceWorker?.ready.then((worker) => worker.active?.postMessage({ look }));
  }

  /** Whether a form is half filled in. The composer does not count, as its draft survives. */
  const isHalfFilled = () => !!edited?.value && edited.checkVisibility();

  /**
   * Loads the page again in the newest build. A form that is half filled in stays. A service worker that waits takes
   * over before: the message to it could be lost with the page, and the old worker, which answers the new document,
   * could keep it waiting.
   */
  async function renew() {
    if (isHalfFilled()) return;
    const worker = (await quiet(Promise.resolve(navigator.serviceWorker?.getRegistration())))?.waiting;
    if (worker) {
      const isOver = new Promise((resolve) => {
        worker.onstatechange = () => worker.state === "activated" && resolve();
      });
      worker.postMessage("skip");
      await Promise.race([isOver, pause(TAKE_OVER_MS)]);
    }
    if (!isHalfFilled()) location.reload();
  }

  /** Returns when the server can be reached. */
  async function reachable() {
    for (let wait = 2_000; ; wait = Math.min(wait * 1.5, 30_000)) {
      await pause(wait * (1 + Math.random() / 2));
      if (!document.hidden && (await quiet(fetch("/healthz", { cache: "no-store" })))?.ok) return;
    }
  }

  self.anonchatStore = {
    ...{ wipe, saveRoom, forgetRoom, saveList, visit },
    ...{ refuse, outbox, outboxIn, saveOutbox, drain, start, renew, reachable },
  };
})();
