-- Appends a batch to a tail and tells who follows the room, all or nothing. Seqs stay strings, so Lua's floating point
-- never touches them.
--
-- KEYS: tail, meta, ids, id queue.
-- ARGV: epoch, the head it must have, its new head, its new n ('' leaves it), life in ms, most events, most ids, channel,
--       packet; then of each event: seq, JSON, message key ('' if it is no message), what to remember of the message.
local tail, meta, ids, queue = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local FIRST, WIDTH = 10, 4

local now = redis.call('HMGET', meta, 'epoch', 'head', 'sealed_by')
if now[1] ~= ARGV[1] then return {'lost'} end
if now[3] then return {'sealed'} end
for i = FIRST, #ARGV, WIDTH do
  if ARGV[i + 2] ~= '' then
    local earlier = redis.call('HGET', ids, ARGV[i + 2])
    if earlier then return {'taken', tostring((i - FIRST) / WIDTH), earlier} end
  end
end
if now[2] ~= ARGV[2] then return {'stale'} end

for i = FIRST, #ARGV, WIDTH do
  redis.call('XADD', tail, ARGV[i] .. '-0', 'event', ARGV[i + 1])
  if ARGV[i + 2] ~= '' then
    redis.call('HSET', ids, ARGV[i + 2], ARGV[i + 3])
    redis.call('RPUSH', queue, ARGV[i + 2])
  end
end
redis.call('XTRIM', tail, 'MAXLEN', ARGV[6])
for _ = tonumber(ARGV[7]) + 1, redis.call('LLEN', queue) do
  redis.call('HDEL', ids, redis.call('LPOP', queue))
end
redis.call('HSET', meta, 'head', ARGV[3])
if ARGV[4] ~= '' then redis.call('HSET', meta, 'n', ARGV[4]) end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[5]) end
redis.call('PUBLISH', ARGV[8], ARGV[9])
return {'done'}
