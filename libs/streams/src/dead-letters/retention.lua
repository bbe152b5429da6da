#!lua flags=allow-oom
-- Removes a slice of the dead letters that are too old or too many, oldest first, and of the tombstones that are too old.
--
-- Atomic with the look at the token, and because hash and order must agree. Runs when memory is full: it makes room.
--
-- KEYS 1 lease  2 dead  3 dead-order  4 tombstones  5 tombstone-order  6 dead-index
-- ARGV 1 fencing token  2 oldest age, ms  3 most dead letters  4 oldest age of a tombstone, ms  5 most to remove of each
-- Returns { dead letters removed, tombstones removed, 1 where more is due or 0 }
-- Errors  FENCED  the token is not the lease's
local lease, dead, deadOrder, tombstones, tombstoneOrder, deadIndex = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local token, maxAge, maxCount = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local maxTombstoneAge, limit = tonumber(ARGV[4]), tonumber(ARGV[5])

if redis.call('GET', lease) ~= token then
  return redis.error_reply('FENCED the lease is not held with this token')
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- @include dead-letters

local function removeDead(members)
  for _, member in ipairs(members) do
    local id, label = string.match(member, '^(%S+) ?(.*)$')
    redis.call('HDEL', dead, id)
    removeDeadPlaces(deadOrder, deadIndex, id, label)
  end
  return #members
end
local function forget(ids)
  if #ids == 0 then return 0 end
  redis.call('HDEL', tombstones, unpack(ids))
  redis.call('ZREM', tombstoneOrder, unpack(ids))
  return #ids
end
local function older(order, age)
  return redis.call('ZRANGE', order, '-inf', '(' .. string.format('%.0f', now - age), 'BYSCORE', 'LIMIT', 0, limit)
end

local removed = removeDead(older(deadOrder, maxAge))
local excess = math.min(limit, redis.call('ZCARD', deadOrder) - maxCount)
local surplus = 0
if excess > 0 then surplus = removeDead(redis.call('ZRANGE', deadOrder, 0, excess - 1)) end
local forgotten = forget(older(tombstoneOrder, maxTombstoneAge))
local more = (removed == limit or surplus == limit or forgotten == limit) and 1 or 0
return { removed + surplus, forgotten, more }
