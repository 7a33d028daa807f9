-- GCRA (ITU-T I.371) by Redis' own clock, so that all nodes count alike. Whole microseconds below 2^53 are exact in Lua.
-- Takes one of each, or of none.
--
-- KEYS: theoretical arrival times. ARGV, two for each key: µs until one is refilled, µs until all are. Answers which key
-- makes wait longest, and for how many µs: 0 if all were taken.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local nexts, which, longest = {}, 0, 0
for i, key in ipairs(KEYS) do
  local one, full = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  -- A clock set back must not lock anybody out for longer than the quota ever could.
  local arrival = math.min(tonumber(redis.call('GET', key) or now), now + full)
  nexts[i] = math.max(arrival, now) + one
  local wait = nexts[i] - now - full
  if wait > longest then which, longest = i, wait end
end
if longest > 0 then return {which, longest} end

for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', nexts[i]), 'PX', math.ceil((nexts[i] - now) / 1000))
end
return {0, 0}
