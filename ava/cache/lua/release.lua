-- Give up a lock that is still held and wake who waits. ARGV: key, token.
local lock = ns .. ':lock:' .. ARGV[1]
if redis.call('GET', lock) ~= ARGV[2] then
  return 0
end
redis.call('DEL', lock)
wake(ARGV[1])
return 1
