-- Appends a batch to a tail and tells who follows the room, all or nothing. Seqs stay strings, so Lua's floating point
-- never touches them.
--
-- KEYS: tail, meta, ids, id queue.
-- ARGV: epoch, the head it must have, its new head, its new n ('' leaves it), life in ms, most events, most ids, channel,
--       packet, most bytes; then of each event: seq, JSON, message key ('' if it is no message), what to remember of the message.
local tail, meta, ids, queue = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local FIRST, WIDTH = 11, 4

local now = redis.call('HMGET', meta, 'epoch', 'head', 'sealed_by', 'bytes')
if now[1] ~= ARGV[1] then return {'lost'} end
if now[3] then return {'sealed'} end
for i = FIRST, #ARGV, WIDTH do
  if ARGV[i + 2] ~= '' then
    local earlier = redis.call('HGET', ids, ARGV[i + 2])
    if earlier then return {'taken', tostring((i - FIRST) / WIDTH), earlier} end
  end
end
if now[2] ~= ARGV[2] then return {'stale'} end

-- `bytes` is no less than what the events weigh: what they weighed when they were last weighed, and all that came since. So
-- an append weighs only itself, and the whole tail once in a long while.
local bytes = tonumber(now[4] or 0)
for i = FIRST, #ARGV, WIDTH do
  bytes = bytes + #ARGV[i + 1]
  redis.call('XADD', tail, ARGV[i] .. '-0', 'event', ARGV[i + 1])
  if ARGV[i + 2] ~= '' then
    redis.call('HSET', ids, ARGV[i + 2], ARGV[i + 3])
    redis.call('RPUSH', queue, ARGV[i + 2])
  end
end
redis.call('XTRIM', tail, 'MAXLEN', ARGV[6])
local most = tonumber(ARGV[10])
if bytes > most then
  -- Weighs from the newest on. If seven eighths are not enough, only what three quarters hold is kept, so that the next
  -- weighing is far. The last event always stays.
  local all, kept, keep = 0, 0, 0
  for i, entry in ipairs(redis.call('XREVRANGE', tail, '+', '-')) do
    all = all + #entry[2][2]
    if i == 1 or all <= most * 3 / 4 then kept, keep = all, i end
  end
  bytes = all
  if all > most * 7 / 8 then
    redis.call('XTRIM', tail, 'MAXLEN', keep)
    bytes = kept
  end
end
for _ = tonumber(ARGV[7]) + 1, redis.call('LLEN', queue) do
  redis.call('HDEL', ids, redis.call('LPOP', queue))
end
redis.call('HSET', meta, 'head', ARGV[3], 'bytes', bytes)
if ARGV[4] ~= '' then redis.call('HSET', meta, 'n', ARGV[4]) end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[5]) end
redis.call('PUBLISH', ARGV[8], ARGV[9])
return {'done'}
