-- Removes a tail and the room's digest, if the tail has the given epoch and head.
--
-- KEYS: tail, meta, ids, id queue, reacted, state, digest. ARGV: epoch, head.
local now = redis.call('HMGET', KEYS[2], 'epoch', 'head')
if now[1] == ARGV[1] and now[2] == ARGV[2] then redis.call('DEL', unpack(KEYS)) end
