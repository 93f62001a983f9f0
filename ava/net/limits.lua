-- Take permits from the limits of one name, all limits at once, for processes that share a Redis.
--
-- KEYS[1]  hash: the state of the name; KEYS[1 + i]: sorted set of the permits of limit i, if a
--          window, by the moment that each counts as used.
-- ARGV     wanted (0 only to hold), priority (0 interactive, 1 background), epoch the caller knew ("" for none),
--          epoch to begin with if there is none, microseconds to hold everybody for,
--          microseconds a loss of memory is held for, microseconds a call may be on its way,
--          then for each limit: kind, a, b ("r", interval, tolerance) or ("w", permits, window),
--          in microseconds.
-- Returns  granted, microseconds to wait, epoch, number of the first permit.
--
-- A permit counts as used when its call is on its way no longer, which is either told (see
-- `limits_end.lua`) or assumed; one that counts from a later moment than now may end now.
--
-- Time is the server's, made never to go back: `lag` is what the server's clock lost. `asked0` and
-- `asked1` say until when a caller of that priority is expected back; the other one is then let
-- through in turn (see `STREAK`). Nothing here expires: an idle name is a few numbers, and a name
-- that is missing has been lost, which is not the same as unused.
local STREAK, GRACE, SOON = 9, 20000, 2000
local state = KEYS[1]
local wanted, priority = tonumber(ARGV[1]), tonumber(ARGV[2])
local hold, lost = tonumber(ARGV[5]), tonumber(ARGV[6])
local function text(number) return string.format('%.0f', number) end

local saved = redis.call('HMGET', state, 'epoch', 'born', 'seen', 'lag', 'until', 'asked0',
    'asked1', 'streak', 'number')
local epoch, born = saved[1], tonumber(saved[2] or 0)
local seen, lag = tonumber(saved[3] or 0), tonumber(saved[4] or 0)
local held, streak = tonumber(saved[5] or 0), tonumber(saved[8] or 0)
local asked = {tonumber(saved[6] or 0), tonumber(saved[7] or 0)}

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2]) + lag
if now < seen then
    lag, now = lag + seen - now, seen
end

local changes = {'seen', text(now)}
local function set(field, value)
    changes[#changes + 1] = field
    changes[#changes + 1] = value
end
if lag ~= tonumber(saved[4] or 0) then set('lag', text(lag)) end

if not epoch then
    epoch, born = ARGV[4], now
    set('epoch', epoch)
    set('born', text(born))
end
if ARGV[3] ~= '' and ARGV[3] ~= epoch then
    -- The caller knew an earlier memory: what it held counts as spent when this one began.
    held = math.max(held, born + lost)
end
if hold > 0 then held = math.max(held, now + hold) end
if held > now then set('until', text(held)) end

-- How many permits all limits have, and if none how long until one does.
local free, wait = wanted, held - now
if wait > 0 then free = 0 end
local recovered = {}
for i = 1, #KEYS - 1 do
    local kind, a, b = ARGV[5 + 3 * i], tonumber(ARGV[6 + 3 * i]), tonumber(ARGV[7 + 3 * i])
    local there, next_at
    if kind == 'r' then
        recovered[i] = math.max(now, tonumber(redis.call('HGET', state, 'r' .. i) or 0))
        if held > now then  -- after a pause a rate starts without its burst
            recovered[i] = math.max(recovered[i], held + b)
            set('r' .. i, text(recovered[i]))
        end
        there = math.max(0, math.floor((now + b - recovered[i]) / a) + 1)
        next_at = recovered[i] - b
    else
        local permits = KEYS[1 + i]
        redis.call('ZREMRANGEBYSCORE', permits, '-inf', text(now - b))
        local excess = redis.call('ZCARD', permits) - a
        there = math.max(0, 0 - excess)
        if excess >= 0 then
            local leaving = redis.call('ZRANGE', permits, excess, excess, 'WITHSCORES')
            next_at = math.min(now, tonumber(leaving[2])) + b
        end
    end
    free = math.min(free, there)
    if there < 1 then wait = math.max(wait, next_at - now) end
end

if wanted == 0 then  -- the caller only came to say for how long nobody may pass
    redis.call('HSET', state, unpack(changes))
    return {0, math.max(0, wait), epoch, 0}
end

-- Who else is expected, and whether this caller lets them go first.
local contested = asked[2 - priority] > now
local yields = contested and (priority == 1) == (streak < STREAK)
if free < 1 or yields then
    if free >= 1 then wait = SOON end
    set('asked' .. priority, text(now + wait + GRACE))
    redis.call('HSET', state, unpack(changes))
    return {0, wait, epoch, 0}
end

local first, used_at = tonumber(saved[9] or 0), text(now + tonumber(ARGV[7]))
for i = 1, #KEYS - 1 do
    if recovered[i] then
        set('r' .. i, text(recovered[i] + free * tonumber(ARGV[6 + 3 * i])))
    else
        for number = first, first + free - 1 do
            redis.call('ZADD', KEYS[1 + i], used_at, epoch .. ':' .. number)
        end
    end
end
set('number', first + free)
if asked[1 + priority] ~= 0 then set('asked' .. priority, '0') end
local turns = 0
if priority == 0 and contested then turns = streak + free end
if turns ~= streak then set('streak', text(turns)) end
redis.call('HSET', state, unpack(changes))
return {free, 0, epoch, first}
