// Starts each server in each of its modes and checks with real clients what bench relies on.
//   script/services npm --prefix bench/peers test
// Without TEST_MONGO_URI and TEST_REDIS_URL it checks the modes that need neither; in CI that is a failure.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import mongoose from "mongoose";
import { createClient } from "redis";
import { io } from "socket.io-client";
import { WebSocket } from "ws";

const DEADLINE_MS = 20_000;
const { CI, TEST_MONGO_URI, TEST_REDIS_URL } = process.env;

const deadline = () => ({ signal: AbortSignal.timeout(DEADLINE_MS) });
const newRoom = () => randomUUID().slice(0, 6).toUpperCase();
const message = (room, body) => ({ room, id: randomUUID(), body });
const upTo = (n) => Array.from({ length: n }, (_, index) => index + 1);

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Starts a server, which is stopped with the test if the test does not stop it. */
async function start(t, script, ...args) {
  const port = await freePort();
  const child = spawn(process.execPath, [script, "--port", String(port), ...args], {
    cwd: import.meta.dirname,
    env: { ...process.env, NODE_ENV: "production" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  let stopped;
  const stop = () => (stopped ??= child.kill("SIGTERM") && exited.then(([code]) => assert.equal(code, 0)));
  t.after(() => stop());
  const [line] = await Promise.race([
    once(createInterface(child.stdout), "line", deadline()),
    exited.then(([code]) => assert.fail(`${script} ended with ${code} and did not listen`)),
  ]);
  assert.equal(line, "listening");
  return { port, stop };
}

/** What a client was told, in order. */
class Inbox {
  #frames = [];
  #wake = () => {};

  put(frame) {
    this.#frames.push(frame);
    this.#wake();
  }

  async next() {
    while (this.#frames.length === 0) {
      await new Promise((resolve, reject) => {
        this.#wake = resolve;
        deadline().signal.addEventListener("abort", () => reject(new Error("nothing came")));
      });
    }
    return this.#frames.shift();
  }

  async take(count) {
    const taken = [];
    while (taken.length < count) taken.push(await this.next());
    return taken;
  }
}

async function connectWs(t, { port }, room, name) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/?room=${room}&name=${name}`);
  t.after(() => socket.terminate());
  const inbox = new Inbox();
  const answers = new Inbox();
  socket.on("message", (data, isBinary) => {
    assert.equal(isBinary, false);
    let frame = data.toString();
    if (frame.startsWith("{")) frame = JSON.parse(frame);
    (["ack", "snapshot", "error"].includes(frame.type) ? answers : inbox).put(frame);
  });
  await once(socket, "open", deadline());
  const ask = (text) => {
    socket.send(text);
    return answers.next();
  };
  // As the other library answers, so that one test suits both.
  const acknowledged = ({ type, code, detail, ...ack }) =>
    type === "error" ? { ...ack, error: { code, detail } } : ack;
  return {
    inbox,
    raw: (text) => socket.send(text),
    garbage: async () => acknowledged(await ask("not JSON")),
    send: async (payload) => acknowledged(await ask(JSON.stringify({ type: "send", ...payload }))),
    post: (payload) => socket.send(JSON.stringify({ type: "send", ...payload })),
    join: async (code) => {
      const { type, room: of, ...snapshot } = await ask(JSON.stringify({ type: "join", room: code }));
      assert.deepEqual([type, of], ["snapshot", code]);
      return snapshot;
    },
  };
}

async function connectSocketIo(t, { port }, room, name) {
  const socket = io(`http://127.0.0.1:${port}`, {
    query: { room, name },
    transports: ["websocket"],
    forceNew: true,
    reconnection: false,
  });
  t.after(() => socket.disconnect());
  const inbox = new Inbox();
  socket.on("event", (event) => inbox.put(event));
  socket.on("joined", (joined) => inbox.put(joined));
  await new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  const asking = socket.timeout(DEADLINE_MS);
  return {
    inbox,
    garbage: () => asking.emitWithAck("send", "not an object"),
    send: (payload) => asking.emitWithAck("send", payload),
    post: (payload) => socket.emit("send", payload),
    join: (code) => asking.emitWithAck("join", { room: code }),
  };
}

/** The full chat, with Ada and Bob in one room, on one node or on two. `ready` waits until the nodes hear each other. */
async function fullChat(t, connect, [first, second = first], ready = async () => {}) {
  const [room, otherRoom] = [newRoom(), newRoom()];
  const connected = await ready(room);
  const ada = await connect(t, first, room, "Ada");
  const bob = await connect(t, second, room, "Bob");
  const cleo = await connect(t, second, otherRoom, "Cleo");
  await connected?.();

  const before = Date.now();
  const hello = message(room, "Hello, wörld 🌍");
  const ack = await ada.send(hello);
  assert.deepEqual(ack, { id: hello.id, seq: 1, at: ack.at });
  assert.ok(before <= ack.at && ack.at <= Date.now());
  const event = await bob.inbox.next();
  const { author } = event;
  assert.deepEqual(event, { type: "event", kind: "message", author, ...hello, seq: 1, at: ack.at });
  assert.deepEqual(Object.keys(author).sort(), ["id", "name"]);
  assert.equal(author.name, "Ada");
  assert.deepEqual(await ada.inbox.next(), event);

  const { head, members, events } = await bob.join(room);
  assert.deepEqual({ head, events }, { head: 1, events: [event] });
  assert.deepEqual(members.map(({ name }) => name).sort(), ["Ada", "Bob"]);
  assert.ok(members.some(({ id }) => id === author.id));
  const joined = { type: "joined", room, member: members.find(({ name }) => name === "Bob") };
  assert.deepEqual(await ada.inbox.next(), joined);
  assert.deepEqual(await bob.inbox.next(), joined);

  for (const [wrong, code] of [
    [{ ...message(room, "x"), id: "no-uuid" }, "invalid_input"],
    [{ ...message(room, "x"), id: 7 }, "invalid_input"],
    [message(room, ""), "invalid_input"],
    [message(room, "x".repeat(4001)), "invalid_input"],
    [message(room, { text: "x" }), "invalid_input"],
    [message(7, "x"), "invalid_input"],
    [message(newRoom(), "x"), "not_a_member"],
  ]) {
    const refused = await ada.send(wrong);
    assert.deepEqual([refused.id, refused.error.code], [wrong.id, code]);
    assert.ok(refused.error.detail.length > 0);
  }
  assert.equal((await ada.garbage()).error.code, "malformed");

  const each = 40;
  for (const n of upTo(each)) {
    ada.post(message(room, `Ada ${n}`));
    bob.post(message(room, `Bob ${n}`));
  }
  const seen = [await ada.inbox.take(2 * each), await bob.inbox.take(2 * each)];
  for (const told of seen) {
    // Between two nodes the order of arrival is not that of the seqs.
    if (first !== second) told.sort((a, b) => a.seq - b.seq);
    assert.deepEqual(
      told.map(({ seq }) => seq),
      upTo(2 * each).map((n) => n + 1),
    );
    for (const name of ["Ada", "Bob"]) {
      assert.deepEqual(
        told.filter((event) => event.author.name === name).map(({ body }) => body),
        upTo(each).map((n) => `${name} ${n}`),
      );
    }
  }
  assert.deepEqual(seen[0], seen[1]);
  const eve = await connect(t, second, room, "Eve");
  const snapshot = await eve.join(room);
  assert.equal(snapshot.head, 2 * each + 1);
  assert.deepEqual(snapshot.events, seen[0].slice(-50));

  // Cleo, in another room, was told nothing until somebody spoke there.
  const mine = message(otherRoom, "x");
  assert.equal((await cleo.send(mine)).seq, 1);
  assert.equal((await cleo.inbox.next()).id, mine.id);
  return { room, last: seen[0].at(-1) };
}

describe("ws", () => {
  test("minimal passes every text on as it is, to the room and to nobody else", async (t) => {
    const server = await start(t, "ws.js", "--mode", "minimal");
    const [room, other] = [newRoom(), newRoom()];
    const ada = await connectWs(t, server, room, "Ada");
    const bob = await connectWs(t, server, room, "Bob");
    const cleo = await connectWs(t, server, other, "Cleo");
    const texts = ["Hello, wörld 🌍", "not { JSON", "x".repeat(4000)];
    for (const text of texts) ada.raw(text);
    assert.deepEqual(await ada.inbox.take(3), texts);
    assert.deepEqual(await bob.inbox.take(3), texts);
    cleo.raw("mine");
    assert.equal(await cleo.inbox.next(), "mine");
  });

  test("full is a chat", async (t) => {
    await fullChat(t, connectWs, [await start(t, "ws.js", "--mode", "full")]);
  });

  withMongo("full stores every message before it tells", (t, uri) =>
    storedChat(t, connectWs, (t) => start(t, "ws.js", "--mode", "full", "--mongo", uri), uri),
  );
});

describe("Socket.IO", () => {
  async function minimal(t, [first, second = first], ready = async () => {}) {
    const room = newRoom();
    const connected = await ready(room);
    const ada = await connectSocketIo(t, first, room, "Ada");
    const bob = await connectSocketIo(t, second, room, "Bob");
    const cleo = await connectSocketIo(t, second, newRoom(), "Cleo");
    await connected?.();
    const sent = [message(room, "Hello, wörld 🌍"), { any: ["thing"] }];
    for (const payload of sent) ada.post(payload);
    assert.deepEqual(await ada.inbox.take(2), sent);
    assert.deepEqual(await bob.inbox.take(2), sent);
    cleo.post("mine");
    assert.equal(await cleo.inbox.next(), "mine");
  }

  test("minimal passes every payload on as it is, to the room and to nobody else", async (t) => {
    await minimal(t, [await start(t, "socketio.js", "--mode", "minimal")]);
  });

  test("full is a chat", async (t) => {
    await fullChat(t, connectSocketIo, [await start(t, "socketio.js", "--mode", "full")]);
  });

  for (const adapter of ["classic", "sharded"]) {
    const two = (t, ...args) => {
      const node = () => start(t, "socketio.js", "--adapter", adapter, "--redis", TEST_REDIS_URL, ...args);
      return Promise.all([node(), node()]);
    };
    const ready = (t) => (adapter === "sharded" ? (room) => subscriptions(t, room, 2) : undefined);

    withRedis(`minimal works on two nodes (${adapter})`, async (t) => {
      await minimal(t, await two(t, "--mode", "minimal"), ready(t));
    });

    withRedis(`full is one chat on two nodes (${adapter})`, async (t) => {
      await fullChat(t, connectSocketIo, await two(t, "--mode", "full"), ready(t));
    });

    if (TEST_REDIS_URL) {
      withMongo(`full stores what two nodes take (${adapter})`, async (t, uri) => {
        const nodes = await two(t, "--mode", "full", "--mongo", uri);
        await fullChat(t, connectSocketIo, nodes, ready(t));
      });
    }
  }

  withMongo("full stores every message before it tells", (t, uri) =>
    storedChat(t, connectSocketIo, (t) => start(t, "socketio.js", "--mode", "full", "--mongo", uri), uri),
  );
});

/** The full chat with MongoDB: how it was written, and that the next process goes on where the last one ended. */
async function storedChat(t, connect, startServer, uri) {
  const database = await mongoose.createConnection(uri).asPromise();
  t.after(() => database.close());
  await database.db.command({ profile: 2 });

  const server = await startServer(t);
  const { room, last } = await fullChat(t, connect, [server]);
  const writes = await database
    .collection("system.profile")
    .find({ op: "insert", ns: /\.messages$/ })
    .toArray();
  assert.ok(writes.length > 0);
  for (const { command } of writes) {
    assert.deepEqual([command.writeConcern.w, command.writeConcern.j], ["majority", true]);
  }
  const stored = await database.collection("messages").find({ room }).sort({ _id: 1 }).toArray();
  assert.deepEqual(
    stored.map(({ seq }) => seq),
    upTo(last.seq),
  );
  await server.stop();

  const dora = await connect(t, await startServer(t), room, "Dora");
  const { head, events } = await dora.join(room);
  assert.equal(head, last.seq);
  assert.deepEqual(events.at(-1), last);
  assert.equal((await dora.send(message(room, "again"))).seq, last.seq + 1);
}

/** Waits, when called again, until so many nodes have subscribed to a room; the sharded adapter does not say when. */
async function subscriptions(t, room, count) {
  const redis = await createClient({ url: TEST_REDIS_URL }).connect();
  t.after(() => redis.destroy());
  const inbox = new Inbox();
  await redis.monitor((line) => {
    if (/ "ssubscribe" /i.test(line) && line.toUpperCase().includes(`#${room}#`)) inbox.put(line);
  });
  return () => inbox.take(count);
}

function withRedis(name, body) {
  needing(TEST_REDIS_URL, "TEST_REDIS_URL", name, body);
}

/** With a database of its own, which is dropped after the test. */
function withMongo(name, body) {
  needing(TEST_MONGO_URI, "TEST_MONGO_URI", name, async (t) => {
    const uri = new URL(TEST_MONGO_URI);
    uri.pathname = `/peers-${randomUUID()}`;
    const database = await mongoose.createConnection(uri.href).asPromise();
    t.after(async () => {
      await database.dropDatabase();
      await database.close();
    });
    await body(t, uri.href);
  });
}

function needing(value, variable, name, body) {
  if (!value && CI) test(name, () => assert.fail(`${variable} is not set`));
  else test(name, { skip: value ? false : `${variable} is not set` }, body);
}
