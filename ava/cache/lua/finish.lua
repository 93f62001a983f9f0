-- Store what was fetched under a lock, release it and wake who waits; store nothing if the lock
-- was taken away: by an invalidation, by a newer value, or by time.
-- ARGV: key, token, ttl_ms, stale_ms, body, tags...
local key = ARGV[1]
local lock = ns .. ':lock:' .. key
if redis.call('GET', lock) ~= ARGV[2] then
  return 0
end
write(key, rest(6), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5])
redis.call('DEL', lock)
wake(key)
return 1
