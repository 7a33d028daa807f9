-- Takes one unit from each of several quotas, or from none. The algorithm is GCRA (ITU-T I.371). It uses Redis' own
-- clock, so that all nodes count alike. Numbers are whole microseconds below 2^53, which are exact in Lua.
--
-- KEYS: one for each quota; the value is its theoretical arrival time. ARGV, two for each key: µs until one unit is
-- refilled, µs until all are. Returns the index (from 1) of the key with the longest wait and that wait in µs; {0, 0}
-- if all were taken.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local nexts, which, longest = {}, 0, 0
for i, key in ipairs(KEYS) do
  local one, full = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  -- If the clock was set back, a stored time may be far in the future. No wait gets longer than the quota itself
  -- allows.
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
