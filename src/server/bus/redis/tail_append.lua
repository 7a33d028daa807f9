-- Appends a batch of events to a tail, remembers the message ids, replaces the earlier events that the new ones change,
-- and publishes the packet to the nodes that follow the room. All of that happens, or nothing. Returns 'done' or the
-- reason of the refusal, as `TailAppended` names them.
-- Seqs stay strings, so that they never become Lua's floating point numbers.
--
-- KEYS: tail, meta, ids, id queue, reacted, state.
-- ARGV: 1 epoch, 2 the head that the tail must have, 3 its new head, 4 its new n ('' leaves n unchanged), 5 life in ms,
-- 6 maximum events, 7 maximum ids, 8 channel, 9 packet, 10 maximum bytes, 11 maximum `reacted` events. Then four for
-- each event: seq, JSON, message key ('' if the event is no message), and what to remember of the message. If it is no
-- message: 'reacted', 'instead' (it replaces the event with its seq for good), 'state' (it replaces it in `state`), or
-- ''.
local tail, meta, ids, queue, reacted, state = unpack(KEYS)
local FIRST, WIDTH = 12, 4

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

-- `bytes` is an upper bound of the bytes of all events: the sum at the last full count, plus everything appended since.
-- So an append adds only its own bytes, and the whole tail is counted only when `bytes` exceeds the maximum. A rewrite
-- of events does not change `bytes`.
local bytes = tonumber(now[4] or 0)
local instead = {}
for i = FIRST, #ARGV, WIDTH do
  local id, json, what = ARGV[i] .. '-0', ARGV[i + 1], ARGV[i + 3]
  if what == 'reacted' then
    redis.call('XADD', reacted, 'MAXLEN', ARGV[11], id, 'event', json)
  elseif what == 'state' then
    if #redis.call('XRANGE', tail, id, id) > 0 then redis.call('HSET', state, id, json) end
  elseif what == 'instead' then
    bytes = bytes + #json
    instead[id] = json
    redis.call('HDEL', state, id)
  else
    bytes = bytes + #json
    redis.call('XADD', tail, id, 'event', json)
    if ARGV[i + 2] ~= '' then
      redis.call('HSET', ids, ARGV[i + 2], ARGV[i + 3])
      redis.call('RPUSH', queue, ARGV[i + 2])
    end
  end
end
if next(instead) then
  -- An entry of a stream cannot be changed, and a removed one stays in memory among its neighbours. So the stream is
  -- deleted and all entries are added again.
  local entries = redis.call('XRANGE', tail, '-', '+')
  redis.call('DEL', tail)
  for _, entry in ipairs(entries) do redis.call('XADD', tail, entry[1], 'event', instead[entry[1]] or entry[2][2]) end
end
-- Drops the oldest events, and what is stored beside them.
local function drop(count)
  if count <= 0 then return end
  for _, entry in ipairs(redis.call('XRANGE', tail, '-', '+', 'COUNT', count)) do redis.call('HDEL', state, entry[1]) end
  redis.call('XTRIM', tail, 'MAXLEN', redis.call('XLEN', tail) - count)
  redis.call('XTRIM', reacted, 'MINID', redis.call('XRANGE', tail, '-', '+', 'COUNT', 1)[1][1])
end
drop(redis.call('XLEN', tail) - ARGV[6])
local most = tonumber(ARGV[10])
if bytes > most then
  -- Counts the bytes from the newest event on. If they exceed 7/8 of the maximum, only the newest events that fit into
  -- 3/4 of it are kept, so that the next full count is far off. The last event always stays.
  local all, kept, keep = 0, 0, 0
  for i, entry in ipairs(redis.call('XREVRANGE', tail, '+', '-')) do
    all = all + #entry[2][2]
    if i == 1 or all <= most * 3 / 4 then kept, keep = all, i end
  end
  bytes = all
  if all > most * 7 / 8 then
    drop(redis.call('XLEN', tail) - keep)
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
