// A chat on Socket.IO, over WebSocket only:
//   node socketio.js --port P --mode minimal|full [--adapter none|classic|sharded --redis URL] [--mongo URI]
// Clients connect with the query room=R&name=N and are in the room R at once.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { Server } from "socket.io";
import { ChatError, openChat } from "./chat.js";

const { values: options } = parseArgs({
  options: {
    port: { type: "string" },
    mode: { type: "string" },
    adapter: { type: "string", default: "none" },
    redis: { type: "string" },
    mongo: { type: "string" },
  },
});
const full = options.mode === "full";
const several = options.adapter === "classic" || options.adapter === "sharded";
if (
  !options.port ||
  !(full || options.mode === "minimal") ||
  (options.mongo && !full) ||
  !(several || options.adapter === "none") ||
  several !== Boolean(options.redis)
) {
  console.error(
    "usage: node socketio.js --port P --mode minimal|full [--adapter none|classic|sharded, --redis URL with the last two] [--mongo URI, with full]",
  );
  process.exit(2);
}

let redis;
let subscriber;
let adapter;
if (several) {
  const { createAdapter, createShardedAdapter } = await import("@socket.io/redis-adapter");
  const { connectRedis } = await import("./redis.js");
  [redis, subscriber] = await Promise.all([connectRedis(options.redis), connectRedis(options.redis)]);
  adapter = (options.adapter === "sharded" ? createShardedAdapter : createAdapter)(redis, subscriber);
}
const chat = full ? await openChat({ mongo: options.mongo, redis }) : undefined;

const http = createServer();
const io = new Server(http, {
  adapter,
  perMessageDeflate: false,
  serveClient: false,
  transports: ["websocket"],
});

io.on("connection", (socket) => {
  const { room, name } = socket.handshake.query;
  // The documented way to save memory: nobody needs the upgrade request any more.
  socket.conn.request = null;
  if (typeof room !== "string" || room === "") return socket.disconnect(true);
  socket.join(room);
  if (full) {
    chatWith(socket, room, { id: randomUUID(), name: typeof name === "string" ? name : "" });
  } else {
    socket.on("send", (payload) => io.to(room).emit("event", payload));
  }
});

function chatWith(socket, room, member) {
  chat.enter(room, member);
  socket.on("disconnect", () => chat.leave(room, member));

  answer(socket, "send", async (payload, ack) => {
    const event = await chat.send(member, payload);
    io.to(event.room).emit("event", event);
    ack({ id: event.id, seq: event.seq, at: event.at });
  });

  answer(socket, "join", async (payload, ack) => {
    ack(await chat.snapshot(member, payload));
    io.to(payload.room).emit("joined", { type: "joined", room: payload.room, member });
  });
}

/** Handles an event that carries an object; whoever asked for no acknowledgement gets none. A refusal is `{ id?, error }`. */
function answer(socket, name, handle) {
  socket.on(name, async (payload, ack = () => {}) => {
    try {
      if (typeof payload !== "object" || payload === null) throw new ChatError("malformed", "An object is missing.");
      await handle(payload, ack);
    } catch (error) {
      const { code, message } = ChatError.from(error);
      ack({ id: payload?.id, error: { code, detail: message } });
    }
  });
}

// The adapter has asked for its subscriptions, but does not tell when they are there; Redis answers in order.
await subscriber?.ping();

http.listen(Number(options.port), "127.0.0.1", () => console.log("listening"));

process.once("SIGTERM", async () => {
  await io.close();
  await chat?.close();
  await Promise.all([redis?.close(), subscriber?.close()]);
});
