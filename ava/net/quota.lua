-- Count units of one quota for machines that share a Redis: a take, or with no cost a look.
--
-- KEYS[1]  hash: "period", "told", "told_at", and for each ledger that has reported "u:<id>", the
--          units its machine has used in the period, as far as they are known here.
-- ARGV     id and units of the caller's ledger (those to be taken now included), period, cost,
--          limit, number of ledgers there are, earliest "told_at" that still counts.
-- Returns  status, units used by all, period. Status: "taken"; "seen" for a look; "over" the limit;
--          "unknown" when ledgers have yet to report; "later" when a later period has begun.
--
-- A ledger knows its own use exactly and this hash forgets nothing as long as it exists, so the sum
-- is exact once every ledger has reported. After a loss of memory nobody takes before that.
local state, id = KEYS[1], 'u:' .. ARGV[1]
local own, cost, limit = tonumber(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[5])

local saved, ledgers = {}, {}
local all = redis.call('HGETALL', state)
for i = 1, #all, 2 do
    saved[all[i]] = all[i + 1]
    if string.sub(all[i], 1, 2) == 'u:' then ledgers[#ledgers + 1] = all[i] end
end

if saved.period and saved.period > ARGV[3] then return {'later', 0, saved.period} end
if saved.period ~= ARGV[3] then
    redis.call('HSET', state, 'period', ARGV[3])
    redis.call('HDEL', state, 'told', 'told_at')
    saved.told = nil
    for _, ledger in ipairs(ledgers) do
        redis.call('HSET', state, ledger, 0)
        saved[ledger] = 0
    end
end
if not saved[id] then ledgers[#ledgers + 1] = id end

local before = math.max(tonumber(saved[id] or 0), own - cost)
local after = math.max(before, own)
local others = 0
for _, ledger in ipairs(ledgers) do
    if ledger ~= id then others = others + tonumber(saved[ledger]) end
end
local told = 0
if tonumber(saved.told_at or 0) > tonumber(ARGV[7]) then told = tonumber(saved.told or 0) end

redis.call('HSET', state, id, before)
local spent = math.max(others + before, told)
if #ledgers < tonumber(ARGV[6]) then return {'unknown', spent, ARGV[3]} end
if cost == 0 then return {'seen', spent, ARGV[3]} end
if others + after > limit or told + cost > limit then return {'over', spent, ARGV[3]} end
redis.call('HSET', state, id, after)
if told > 0 then redis.call('HINCRBY', state, 'told', cost) end
return {'taken', math.max(others + after, told + (told > 0 and cost or 0)), ARGV[3]}
