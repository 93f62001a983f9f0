-- Keep a lock that is still held, and its key listed. ARGV: key, token, lock_ms, listed_ms, tags...
local key = ARGV[1]
local lock = ns .. ':lock:' .. key
if redis.call('GET', lock) ~= ARGV[2] then
  return 0
end
redis.call('PEXPIRE', lock, ARGV[3])
local now = now_ms()
list(key, rest(5), now, now + tonumber(ARGV[4]))
return 1
