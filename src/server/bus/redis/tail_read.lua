-- Reads a tail with its events after a seq. With the optional arguments it also makes the tail, if there is none, and
-- makes it anew if it is outdated (sealed below the given head).
--
-- KEYS: tail, meta, ids, id queue, reacted, state.
-- ARGV: 1 the seq to read after; to make the tail also: 2 epoch, 3 head, 4 n, 5 life in ms. Returns epoch, head, n, the
-- person who sealed it ('' if not sealed) and the events as JSON, the `reacted` ones last; false if there is no tail.
local tail, meta, ids, queue, reacted, state = unpack(KEYS)

local now = redis.call('HMGET', meta, 'epoch', 'head', 'n', 'sealed_by')
if ARGV[2] then
  local outdated = now[4] and tonumber(now[2]) < tonumber(ARGV[3])
  -- A new tail must not keep entries of an earlier one, since a stream refuses ids below one that it has had. The ids
  -- of an outdated tail are kept: its epoch stays the same, so retries must still be recognised.
  if not now[1] then redis.call('DEL', unpack(KEYS)) end
  if outdated then redis.call('DEL', tail, meta, reacted, state) end
  if outdated or not now[1] then
    now = {now[1] or ARGV[2], ARGV[3], ARGV[4], false}
    redis.call('HSET', meta, 'epoch', now[1], 'head', now[2], 'n', now[3])
    for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[5]) end
  end
end
if not now[1] then return false end

local events, after = {}, '(' .. ARGV[1] .. '-0'
local has_state = redis.call('EXISTS', state) == 1
for i, entry in ipairs(redis.call('XRANGE', tail, after, '+')) do
  events[i] = has_state and redis.call('HGET', state, entry[1]) or entry[2][2]
end
for _, entry in ipairs(redis.call('XRANGE', reacted, after, '+')) do events[#events + 1] = entry[2][2] end
return {now[1], now[2], now[3], now[4] or '', events}
