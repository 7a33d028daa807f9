-- Stores a room's digest, unless a digest of the same epoch with a later head is there. The digest of an ephemeral room
-- is stored only if the room has a tail of this epoch, and expires when that tail expires.
--
-- KEYS: digest, meta of the tail. ARGV: epoch, head, life in ms ('' if it expires with the tail), JSON.
local now = redis.call('HMGET', KEYS[1], 'epoch', 'head')
if now[1] == ARGV[1] and tonumber(now[2]) > tonumber(ARGV[2]) then return end

local life = ARGV[3]
if life == '' then
  if redis.call('HGET', KEYS[2], 'epoch') ~= ARGV[1] then return end
  life = redis.call('PTTL', KEYS[2])
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'head', ARGV[2], 'json', ARGV[4])
redis.call('PEXPIRE', KEYS[1], life)
