-- Hands out leases that ended, each to one caller, and offers them again at a later time.
--
-- KEYS: leases. ARGV: now, when to offer them again, how many at most.
local ended = redis.call('ZRANGE', KEYS[1], '-inf', '(' .. ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[3])
for _, guest in ipairs(ended) do redis.call('ZADD', KEYS[1], 'XX', ARGV[2], guest) end
return ended
