-- What the scripts share. KEYS[1] is the namespace in braces, so all keys made from it lie in one
-- hash slot. An entry's key is listed, with its expiry, in an index per tag and one for its group
-- (the text before the first colon): invalidation looks there, and never at the whole key space.
local ns = KEYS[1]

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function whole(number)
  return string.format('%.0f', number)
end

local function group_of(key)
  return string.match(key, '^([^:]*):') or ''
end

local function list_in(name, key, now, expires)
  local index = ns .. ':index:' .. name
  redis.call('ZREMRANGEBYSCORE', index, '-inf', whole(now))
  redis.call('ZADD', index, 'GT', whole(expires), key)
  -- An index outlives all it lists by a second, so none is forgotten before its entries.
  if redis.call('PTTL', index) < expires - now + 1000 then
    redis.call('PEXPIRE', index, whole(expires - now + 1000))
  end
end

local function list(key, tags, now, expires)
  local group = group_of(key)
  redis.call('SADD', ns .. ':groups', group)
  list_in('group:' .. group, key, now, expires)
  for _, tag in ipairs(tags) do
    list_in('tag:' .. tag, key, now, expires)
  end
end

local function write(key, tags, ttl_ms, stale_ms, body)
  local now = now_ms()
  local stamp = string.format('%013.0f', now + ttl_ms)
  redis.call('SET', ns .. ':entry:' .. key, 'A1' .. stamp .. body, 'PX', whole(ttl_ms + stale_ms))
  list(key, tags, now, now + ttl_ms + stale_ms)
end

local function wake(key)
  if redis.call('DEL', ns .. ':want:' .. key) == 1 then
    redis.call('PUBLISH', ns .. ':news', 'w' .. key)
  end
end

local function rest(from)
  local items = {}
  for i = from, #ARGV do
    items[#items + 1] = ARGV[i]
  end
  return items
end
