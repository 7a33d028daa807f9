-- Returns leases that have ended, each to one caller only. A returned lease is extended to a later time, at which it is
-- offered again.
--
-- KEYS: leases. ARGV: 1 now, 2 the time at which the leases are offered again, 3 the maximum number of leases.
local ended = redis.call('ZRANGE', KEYS[1], '-inf', '(' .. ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[3])
for _, guest in ipairs(ended) do redis.call('ZADD', KEYS[1], 'XX', ARGV[2], guest) end
return ended
