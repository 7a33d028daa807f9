// What nodes share in Redis: the seqs, the history where there is no MongoDB, and who is connected.
import { createClient, defineScript } from "redis";
import { HISTORY, event, seqKey } from "./chat.js";

const TTL_SECONDS = 24 * 60 * 60;

const eventsKey = (code) => `chat:{${code}}:events`;
const membersKey = (code) => `chat:{${code}}:members`;

// A message gets its seq and its place in the history in one round trip.
const scripts = {
  appendMessage: defineScript({
    NUMBER_OF_KEYS: 2,
    SCRIPT: `
      local seq = redis.call('INCR', KEYS[1])
      redis.call('RPUSH', KEYS[2], seq .. ' ' .. ARGV[1])
      redis.call('LTRIM', KEYS[2], -${HISTORY}, -1)
      redis.call('EXPIRE', KEYS[1], ${TTL_SECONDS})
      redis.call('EXPIRE', KEYS[2], ${TTL_SECONDS})
      return seq`,
    parseCommand(parser, code, entry) {
      parser.pushKey(seqKey(code));
      parser.pushKey(eventsKey(code));
      parser.push(entry);
    },
    transformReply: (reply) => reply,
  }),
};

export async function connectRedis(url) {
  const redis = createClient({ url, scripts });
  redis.on("error", console.error);
  return redis.connect();
}

export class RedisLog {
  #redis;

  constructor(redis) {
    this.#redis = redis;
  }

  async append(code, draft) {
    const at = Date.now();
    const seq = await this.#redis.appendMessage(code, JSON.stringify({ at, draft }));
    return event(code, seq, at, draft);
  }

  async latest(code) {
    const entries = await this.#redis.lRange(eventsKey(code), 0, -1);
    return entries.map((entry) => {
      const space = entry.indexOf(" ");
      const { at, draft } = JSON.parse(entry.slice(space + 1));
      return event(code, Number(entry.slice(0, space)), at, draft);
    });
  }

  forget() {}

  close() {}
}

// A node that dies leaves its members behind here, until the room was quiet for a day.
export class RedisMembers {
  #redis;

  constructor(redis) {
    this.#redis = redis;
  }

  async add(code, member) {
    const key = membersKey(code);
    await this.#redis.multi().hSet(key, member.id, member.name).expire(key, TTL_SECONDS).execAsPipeline();
  }

  async remove(code, member) {
    await this.#redis.hDel(membersKey(code), member.id);
  }

  async list(code) {
    const members = await this.#redis.hGetAll(membersKey(code));
    return Object.entries(members).map(([id, name]) => ({ id, name }));
  }
}
