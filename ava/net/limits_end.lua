-- Take note of permits whose calls are on their way no longer.
--
-- KEYS  those of `limits.lua`.
-- ARGV  "used" (their calls have arrived by now, or never will) or "unused" (nobody will use them),
--       then the permits, each as epoch:number.
--
-- One that has left its window, or that a Redis without memory does not know, is left alone.
local state = KEYS[1]
local saved, clock = redis.call('HMGET', state, 'seen', 'lag'), redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2]) + tonumber(saved[2] or 0)
now = string.format('%.0f', math.max(now, tonumber(saved[1] or 0)))
for i = 2, #KEYS do
    for j = 2, #ARGV do
        if ARGV[1] == 'used' then
            redis.call('ZADD', KEYS[i], 'XX', now, ARGV[j])
        else
            redis.call('ZREM', KEYS[i], ARGV[j])
        end
    end
end
return #ARGV - 1
