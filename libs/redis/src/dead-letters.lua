-- The two sorted sets of a partition's dead letters, which every script that adds or removes one keeps true in the same step:
--   dead-order  scored by the time of the last failure in ms; a member is '<entry ID> <label>'
--   dead-index  all scored 0, so in the order of texts; a member is '<label> <that time in 16 digits> <entry ID>'
-- A label says what a dead letter is counted by (see `dead-letter-label.ts`). Those with one label stand together in the index, in
-- the order of time, so that Redis counts them without looking at each. One that somebody else wrote without a label has no
-- place in the index.
local function orderMember(id, label)
  return label == '' and id or id .. ' ' .. label
end

local function indexMember(id, label, ms)
  return label .. ' ' .. string.format('%016.0f', tonumber(ms)) .. ' ' .. id
end

local function addDeadPlaces(order, index, id, label, ms)
  local member = orderMember(id, label)
  local before = redis.call('ZSCORE', order, member)
  redis.call('ZADD', order, ms, member)
  if label == '' then return end
  -- A half-finished run may have placed it at another time.
  if before then redis.call('ZREM', index, indexMember(id, label, before)) end
  redis.call('ZADD', index, 0, indexMember(id, label, ms))
end

local function removeDeadPlaces(order, index, id, label)
  local member = orderMember(id, label)
  local ms = label ~= '' and redis.call('ZSCORE', order, member)
  if ms then redis.call('ZREM', index, indexMember(id, label, ms)) end
  redis.call('ZREM', order, member, id)
end
