-- GCRA (ITU-T I.371) by Redis' own clock, so that all nodes count alike. Whole microseconds below 2^53 are exact in Lua.
--
-- KEYS: the theoretical arrival time. ARGV: µs until one is refilled, µs until all are. Answers µs to wait, 0 if taken.
local one, full = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- A clock set back must not lock anybody out for longer than the quota ever could.
local arrival = math.min(tonumber(redis.call('GET', KEYS[1]) or now), now + full)
local next = math.max(arrival, now) + one
if next > now + full then return next - now - full end

redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000))
return 0
