-- Read an entry that stays fresh for longer than min_left_ms; else take the lock; else ask to be
-- woken. ARGV: key, token, lock_ms, min_left_ms, listed_ms, tags...
-- Returns {1, now, entry}, {2, now, older entry or ''} with the lock, or {3, now, ms of the lock}.
local key, token, lock_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])
local now = now_ms()
local entry = redis.call('GET', ns .. ':entry:' .. key)
if entry and string.sub(entry, 1, 2) == 'A1' then
  local fresh_until = tonumber(string.sub(entry, 3, 15))
  if fresh_until and fresh_until - now > tonumber(ARGV[4]) then
    return {1, now, entry}
  end
end
local lock = ns .. ':lock:' .. key
if redis.call('SET', lock, token, 'NX', 'PX', whole(lock_ms)) then
  -- Listed before there is an entry, so that an invalidation by tag or pattern finds the lock.
  list(key, rest(6), now, now + tonumber(ARGV[5]))
  return {2, now, entry or ''}
end
redis.call('SET', ns .. ':want:' .. key, '1', 'PX', whole(lock_ms * 60))
return {3, now, redis.call('PTTL', lock)}
