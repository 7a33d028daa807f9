-- Reads events of a tail backwards, without `reacted` events.
--
-- KEYS: tail, meta, ids, id queue, reacted, state. ARGV: the first and the last entry id, as XREVRANGE takes them, and
-- how many events at most. Returns the events as JSON, newest first.
local events = {}
for i, entry in ipairs(redis.call('XREVRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])) do
  events[i] = redis.call('HGET', KEYS[6], entry[1]) or entry[2][2]
end
return events
