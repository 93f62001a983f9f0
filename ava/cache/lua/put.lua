-- Store values whatever was there, take the locks of fetches begun earlier, and tell everybody.
-- ARGV: news, stale_ms, number of tags, tags..., then key, ttl_ms and body of each.
local stale_ms, tags = tonumber(ARGV[2]), {}
local count = tonumber(ARGV[3])
for i = 4, 3 + count do
  tags[#tags + 1] = ARGV[i]
end
for i = 4 + count, #ARGV, 3 do
  local key = ARGV[i]
  write(key, tags, tonumber(ARGV[i + 1]), stale_ms, ARGV[i + 2])
  redis.call('DEL', ns .. ':lock:' .. key)
  wake(key)
end
redis.call('PUBLISH', ns .. ':news', ARGV[1])
return 1
