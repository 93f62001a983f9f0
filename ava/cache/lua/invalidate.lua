-- Delete entries by key, by tag and by pattern, with the locks of fetches begun earlier, and tell
-- everybody. Nothing here needs memory, so it works on a full server as well.
-- ARGV: news, then keys, tags and patterns, each list behind its length.
local dropped = 0

local function drop(key)
  dropped = dropped + redis.call('UNLINK', ns .. ':entry:' .. key)
  redis.call('DEL', ns .. ':lock:' .. key)
end

-- In a pattern `*` stands for any text, and nothing else is special.
local function matcher(pattern)
  local quoted = string.gsub(pattern, '[%^%$%(%)%%%.%[%]%+%-%?]', '%%%0')
  return '^' .. string.gsub(quoted, '%*', '.*') .. '$'
end

-- Only where the text before the first colon is given in full is one group enough.
local function groups_of(pattern)
  local group = string.match(pattern, '^([^:*]*):')
  if group then
    return {group}
  end
  return redis.call('SMEMBERS', ns .. ':groups')
end

local function drop_tag(tag)
  local index = ns .. ':index:tag:' .. tag
  for _, key in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    drop(key)
  end
  redis.call('UNLINK', index)
end

local function drop_pattern(pattern)
  local wanted = matcher(pattern)
  for _, group in ipairs(groups_of(pattern)) do
    local index = ns .. ':index:group:' .. group
    for _, key in ipairs(redis.call('ZRANGE', index, 0, -1)) do
      if string.match(key, wanted) then
        drop(key)
        redis.call('ZREM', index, key)
      end
    end
    if redis.call('EXISTS', index) == 0 then
      redis.call('SREM', ns .. ':groups', group)
    end
  end
end

local at = 2
local function several(each)
  local count = tonumber(ARGV[at])
  for i = at + 1, at + count do
    each(ARGV[i])
  end
  at = at + count + 1
end

several(drop)
several(drop_tag)
several(drop_pattern)
redis.call('PUBLISH', ns .. ':news', ARGV[1])
return dropped
