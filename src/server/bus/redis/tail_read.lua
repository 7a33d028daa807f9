-- Reads a tail; told where it would begin, also makes it if there is none or it is outdated.
--
-- KEYS: tail, meta, ids, id queue.
-- ARGV: after; to make it, also: epoch, head, n, life in ms.
local tail, meta, ids, queue = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local now = redis.call('HMGET', meta, 'epoch', 'head', 'n', 'sealed_by')
if ARGV[2] then
  local outdated = now[4] and tonumber(now[2]) < tonumber(ARGV[3])
  -- Nothing of another life may stay: a stream takes no seq below one it has seen. But within one epoch, ids count on.
  if not now[1] then redis.call('DEL', tail, meta, ids, queue) end
  if outdated then redis.call('DEL', tail, meta) end
  if outdated or not now[1] then
    now = {now[1] or ARGV[2], ARGV[3], ARGV[4], false}
    redis.call('HSET', meta, 'epoch', now[1], 'head', now[2], 'n', now[3])
    for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[5]) end
  end
end
if not now[1] then return false end

local events = {}
for i, entry in ipairs(redis.call('XRANGE', tail, '(' .. ARGV[1] .. '-0', '+')) do events[i] = entry[2][2] end
return {now[1], now[2], now[3], now[4] or '', events}
