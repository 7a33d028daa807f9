-- Seals a tail, if it has the given epoch and head: no append can follow.
--
-- KEYS: tail, meta, ids, id queue, reacted, state. ARGV: epoch, head, the person who seals it (as JSON), life in ms.
local now = redis.call('HMGET', KEYS[2], 'epoch', 'head', 'sealed_by')
if now[1] ~= ARGV[1] then return {'lost'} end
if now[3] then return {'sealed'} end
if now[2] ~= ARGV[2] then return {'stale'} end

redis.call('HSET', KEYS[2], 'sealed_by', ARGV[3])
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[4]) end
return {'done'}
