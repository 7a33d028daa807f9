// A chat on ws:
//   node ws.js --port P --mode minimal|full [--mongo URI]
// Clients connect to ws://127.0.0.1:P/?room=R&name=N and are in the room R at once.
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { WebSocket, WebSocketServer } from "ws";
import { ChatError, openChat } from "./chat.js";

const HEARTBEAT_MS = 30_000;

const { values: options } = parseArgs({
  options: { port: { type: "string" }, mode: { type: "string" }, mongo: { type: "string" } },
});
const full = options.mode === "full";
if (!options.port || !(full || options.mode === "minimal") || (options.mongo && !full)) {
  console.error("usage: node ws.js --port P --mode minimal|full [--mongo URI, with full]");
  process.exit(2);
}

const chat = full ? await openChat({ mongo: options.mongo }) : undefined;
const rooms = new Map();
const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(options.port),
  perMessageDeflate: false,
  maxPayload: 64 * 1024,
});

server.on("connection", (socket, request) => {
  const query = new URL(request.url, "ws://127.0.0.1").searchParams;
  const room = query.get("room");
  if (!room) return socket.close(1008, "room is missing");
  const member = { id: randomUUID(), name: query.get("name") ?? "" };

  let sockets = rooms.get(room);
  if (!sockets) rooms.set(room, (sockets = new Set()));
  sockets.add(socket);
  chat?.enter(room, member);

  socket.alive = true;
  socket.on("pong", () => (socket.alive = true));
  // A broken connection is closed next, which is all there is to do about it.
  socket.on("error", () => {});
  socket.on("close", () => {
    sockets.delete(socket);
    if (sockets.size === 0) rooms.delete(room);
    chat?.leave(room, member);
  });
  socket.on("message", full ? (data) => receive(socket, member, data) : (data) => broadcast(room, data));
});

/** Sends to everybody in the room; `data` is the text as a buffer, so that it is encoded once and not for each. */
function broadcast(room, data) {
  const sockets = rooms.get(room);
  if (!sockets) return;
  for (const socket of sockets) {
    if (socket.readyState === WebSocket.OPEN) socket.send(data, { binary: false });
  }
}

function tellRoom(room, frame) {
  broadcast(room, Buffer.from(JSON.stringify(frame)));
}

function tell(socket, frame) {
  socket.send(JSON.stringify(frame));
}

async function receive(socket, member, data) {
  let frame;
  try {
    frame = parse(data);
    if (frame.type === "send") {
      const event = await chat.send(member, frame);
      tellRoom(event.room, event);
      tell(socket, { type: "ack", id: event.id, seq: event.seq, at: event.at });
    } else if (frame.type === "join") {
      const snapshot = await chat.snapshot(member, frame);
      tell(socket, { type: "snapshot", room: frame.room, ...snapshot });
      tellRoom(frame.room, { type: "joined", room: frame.room, member });
    } else {
      throw new ChatError("malformed", "type must be send or join.");
    }
  } catch (error) {
    const { code, message } = ChatError.from(error);
    tell(socket, { type: "error", id: frame?.id, code, detail: message });
  }
}

function parse(data) {
  try {
    const frame = JSON.parse(data);
    if (typeof frame === "object" && frame !== null) return frame;
  } catch {
    // Told below, like any other text that is not a frame.
  }
  throw new ChatError("malformed", "A frame is a JSON object.");
}

const heartbeat = setInterval(() => {
  for (const socket of server.clients) {
    if (!socket.alive) {
      socket.terminate();
    } else {
      socket.alive = false;
      socket.ping();
    }
  }
}, HEARTBEAT_MS);

server.on("listening", () => console.log("listening"));

process.once("SIGTERM", () => {
  clearInterval(heartbeat);
  for (const socket of server.clients) socket.terminate();
  server.close(() => void chat?.close());
});
