-- Replaces some events of a tail. An entry of a stream cannot be changed, so the stream is deleted and all entries are
-- added again.
--
-- KEYS: tail, meta, ids, id queue, reacted, state. ARGV: the epoch that the tail must have; then two for each event: seq, JSON.
local tail, meta, state = KEYS[1], KEYS[2], KEYS[6]

if redis.call('HGET', meta, 'epoch') ~= ARGV[1] then return end
local instead = {}
for i = 2, #ARGV, 2 do
  instead[ARGV[i] .. '-0'] = ARGV[i + 1]
  redis.call('HDEL', state, ARGV[i] .. '-0')
end

local entries, life = redis.call('XRANGE', tail, '-', '+'), redis.call('PTTL', tail)
redis.call('DEL', tail)
for _, entry in ipairs(entries) do redis.call('XADD', tail, entry[1], 'event', instead[entry[1]] or entry[2][2]) end
redis.call('PEXPIRE', tail, life)
