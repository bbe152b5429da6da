-- Entries of a first look. Further ones are as many as the bytes that are left allow, by what was seen.
local FIRST_STEP = 16

local function entriesOf(stream, newest, from, to, count)
  if newest then return redis.call('XREVRANGE', stream, from, to, 'COUNT', count) end
  return redis.call('XRANGE', stream, from, to, 'COUNT', count)
end

local function nextStep(count, looked, maxBytes, bytes)
  return math.max(1, math.min(count - looked, math.floor((maxBytes - bytes) * looked / math.max(1, bytes))))
end
