// The log in MongoDB, through mongoose. With Redis, several nodes write it, and the seqs come from there.
import mongoose from "mongoose";
import { HISTORY, event, seqKey } from "./chat.js";

const messageSchema = new mongoose.Schema(
  {
    room: { type: String, required: true },
    seq: { type: Number, required: true },
    at: { type: Date, required: true },
    id: { type: String, required: true },
    author: { _id: false, id: String, name: String },
    body: { type: String, required: true },
  },
  { versionKey: false },
);
messageSchema.index({ room: 1, seq: 1 }, { unique: true });
const Message = mongoose.model("Message", messageSchema);

export async function openMongoLog(uri, redis) {
  // On the connection, because `insertMany` passes over a schema's write concern.
  await mongoose.connect(uri, { writeConcern: { w: "majority", journal: true } });
  await Message.init();
  return new MongoLog(redis);
}

/**
 * One write at a time for each room, so that no seq is stored before the one below it. What arrives meanwhile is the
 * next write, so that a busy room does not wait for the disk once for each message.
 */
class MongoLog {
  #redis;
  #rooms = new Map();

  constructor(redis) {
    this.#redis = redis;
  }

  append(code, draft) {
    let room = this.#rooms.get(code);
    if (!room) this.#rooms.set(code, (room = { head: undefined, waiting: [], writing: false }));
    const written = new Promise((resolve, reject) => room.waiting.push({ draft, at: Date.now(), resolve, reject }));
    if (!room.writing) this.#write(code, room);
    return written;
  }

  async latest(code) {
    const found = await Message.find({ room: code }).sort({ seq: -1 }).limit(HISTORY).lean();
    return found.reverse().map((stored) => event(code, stored.seq, stored.at.getTime(), stored));
  }

  async close() {
    await mongoose.disconnect();
  }

  forget(code) {
    if (!this.#rooms.get(code)?.writing) this.#rooms.delete(code);
  }

  async #write(code, room) {
    room.writing = true;
    while (room.waiting.length > 0) {
      const batch = room.waiting;
      room.waiting = [];
      try {
        room.head ??= await this.#head(code);
        const first = await this.#take(code, room, batch.length);
        // `send` has checked every field, so mongoose need not do it again (lean).
        await Message.insertMany(
          batch.map(({ draft, at }, index) => ({ room: code, seq: first + index, at: new Date(at), ...draft })),
          { ordered: true, lean: true },
        );
        batch.forEach(({ draft, at, resolve }, index) => resolve(event(code, first + index, at, draft)));
      } catch (error) {
        // How much of it was stored is not known, so the next write begins with a look.
        room.head = undefined;
        for (const { reject } of batch) reject(error);
      }
    }
    room.writing = false;
  }

  /** The highest seq; with Redis, it counts on from what is stored. */
  async #head(code) {
    const last = await Message.findOne({ room: code }, { seq: 1 }).sort({ seq: -1 }).lean();
    const head = last?.seq ?? 0;
    await this.#redis?.set(seqKey(code), head, { condition: "NX" });
    return head;
  }

  /** The first of the next `count` seqs. */
  async #take(code, room, count) {
    room.head = this.#redis ? await this.#redis.incrBy(seqKey(code), count) : room.head + count;
    return room.head - count + 1;
  }
}
