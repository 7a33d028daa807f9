// What a full chat does beside passing frames on, shared by both servers: who is in a room, a seq for each message, and
// the last 50 messages for whoever joins. It knows neither ws nor Socket.IO.
//
//   alone               seq and history in this process
//   with Redis          seq, history and members in Redis, for several nodes
//   with MongoDB        history in MongoDB through mongoose, stored before anybody is told
//   with both           seq and members in Redis, history in MongoDB
//
// The drivers are loaded only when they are asked for, so that nobody pays their memory without them.
export const HISTORY = 50;
const MAX_BODY = 4000;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
// A room where nobody is stays in memory for this long, so that a reconnect finds what was said.
const EMPTY_ROOM_MS = 60_000;

/** A refusal, as the client sees it. */
export class ChatError extends Error {
  constructor(code, detail) {
    super(detail);
    this.code = code;
  }

  /** Any error as a refusal; what the client has no part in is logged here and not told. */
  static from(error) {
    if (error instanceof ChatError) return error;
    console.error(error);
    return new ChatError("internal", "Something went wrong here. Try again.");
  }
}

/** Opens the chat; `mongo` is a URI and `redis` what `connectRedis` made, both optional. */
export async function openChat({ mongo, redis } = {}) {
  if (!mongo && !redis) return new Chat(new MemoryLog());
  const members = redis && new (await import("./redis.js")).RedisMembers(redis);
  if (!mongo) return new Chat(new (await import("./redis.js")).RedisLog(redis), members);
  return new Chat(await (await import("./mongo.js")).openMongoLog(mongo, redis), members);
}

class Chat {
  // code → the members that are connected here, by id, and the timer that forgets the room when it is empty.
  #rooms = new Map();
  #log;
  #everywhere;

  constructor(log, everywhere) {
    this.#log = log;
    this.#everywhere = everywhere;
  }

  enter(code, member) {
    let room = this.#rooms.get(code);
    if (!room) this.#rooms.set(code, (room = { members: new Map(), forget: undefined }));
    clearTimeout(room.forget);
    room.members.set(member.id, member);
    this.#everywhere?.add(code, member).catch(console.error);
  }

  leave(code, member) {
    const room = this.#rooms.get(code);
    if (!room?.members.delete(member.id)) return;
    this.#everywhere?.remove(code, member).catch(console.error);
    if (room.members.size > 0) return;
    room.forget = setTimeout(() => {
      this.#rooms.delete(code);
      this.#log.forget(code);
    }, EMPTY_ROOM_MS);
    room.forget.unref();
  }

  /** Takes a message into the log. Promises of one room are kept in the order of their seqs. */
  async send(member, message) {
    const { room: code, id, body } = message;
    this.#admit(code, member);
    if (typeof id !== "string" || !UUID.test(id)) throw new ChatError("invalid_input", "id must be a UUID.");
    if (typeof body !== "string" || body.length === 0 || body.length > MAX_BODY) {
      throw new ChatError("invalid_input", `body must be a text of 1 to ${MAX_BODY} characters.`);
    }
    return this.#log.append(code, { id, author: member, body });
  }

  /** What somebody needs who comes in. */
  async snapshot(member, { room: code }) {
    const room = this.#admit(code, member);
    const [members, events] = await Promise.all([
      this.#everywhere ? this.#everywhere.list(code) : [...room.members.values()],
      this.#log.latest(code),
    ]);
    return { head: events.at(-1)?.seq ?? 0, members, events };
  }

  async close() {
    await this.#log.close();
  }

  #admit(code, member) {
    if (typeof code !== "string") throw new ChatError("invalid_input", "room must be a text.");
    const room = this.#rooms.get(code);
    if (!room?.members.has(member.id)) throw new ChatError("not_a_member", "You are not in this room.");
    return room;
  }
}

/** A message as everybody gets it. */
export function event(room, seq, at, { id, author, body }) {
  return { type: "event", room, seq, at, kind: "message", id, author, body };
}

// The braces keep what belongs to a room on one node of a Redis cluster.
export const seqKey = (code) => `chat:{${code}}:seq`;

class MemoryLog {
  #rooms = new Map();

  append(code, draft) {
    let room = this.#rooms.get(code);
    if (!room) this.#rooms.set(code, (room = { head: 0, events: [] }));
    const stored = event(code, ++room.head, Date.now(), draft);
    room.events.push(stored);
    if (room.events.length > HISTORY) room.events.shift();
    return stored;
  }

  latest(code) {
    return this.#rooms.get(code)?.events.slice() ?? [];
  }

  forget(code) {
    this.#rooms.delete(code);
  }

  close() {}
}
