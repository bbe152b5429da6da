#!lua flags=allow-oom
-- Removes a slice of the feed's oldest entries: those older than the replay window, and as many more as make up the bytes
-- that are too many.
--
-- An excess counts only while the floor is where it was measured: where somebody else has trimmed meanwhile it may be gone.
--
-- Atomic, and the floor is recorded before the first entry goes: a reader either finds an entry or learns that it was
-- trimmed. Trims exactly what the floor says, so that no entry above the floor is missing. Runs when memory is full, for it
-- is what makes room.
--
-- KEYS 1 lease  2 feed  3 floor  4 feed-bytes  5 floor-addressed
-- ARGV 1 fencing token  2 replay window, ms  3 bytes that are too many  4 most entries to look at
--      5 floor at which the excess was measured, '' where that does not matter
-- Returns { entries removed, bytes removed, 1 where more is due or 0, floor now }
-- Errors  FENCED  the token is not the lease's
local lease, feed, floor, feedBytes, floorAddressed = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local token, windowMs, excessBytes, count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
-- What an entry counts besides its texts; see docs/reference/redis-keys.md.
local OVERHEAD = 64

if redis.call('GET', lease) ~= token then
  return redis.error_reply('FENCED the lease is not held with this token')
end
local bytes = math.max(0, tonumber(redis.call('GET', feedBytes) or '0') or 0)
local length = redis.call('XLEN', feed)
local before = redis.call('GET', floor) or '0-0'
if ARGV[5] ~= '' and ARGV[5] ~= before then excessBytes = 0 end
local time = redis.call('TIME')
local oldest = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) - windowMs

local function isOld(id)
  -- Milliseconds of an ID that a writer chose may exceed 2^53; then it is the future, whatever was rounded off.
  return tonumber((string.match(id, '^%d+'))) < oldest
end
-- Mostly nothing is due, and the first entry alone tells.
if excessBytes <= 0 and length > 0 and not isOld(redis.call('XRANGE', feed, '-', '+', 'COUNT', 1)[1][1]) then
  return { 0, 0, 0, before }
end

local removed, removedBytes, cut, addressed, more = 0, 0, nil, nil, 0
local page = redis.call('XRANGE', feed, '-', '+', 'COUNT', count)
for _, entry in ipairs(page) do
  local id, fields = entry[1], entry[2]
  if removedBytes >= excessBytes and not isOld(id) then break end
  local size = OVERHEAD
  for i = 1, #fields, 2 do size = size + #fields[i + 1] end
  removed = removed + 1
  removedBytes = removedBytes + size
  cut = id
  -- The route of an entry in no room ends with the space before its rooms.
  if fields[1] ~= 'route' or string.sub(fields[2], -1) ~= ' ' then addressed = id end
end
local remaining = math.max(0, bytes - removedBytes)
-- Sets right a count that was lost or is wrong.
if removed == length then remaining = 0 end
if removed > 0 then
  -- Nobody misses what was in no room. An installation of an earlier version knows the floor alone.
  if not addressed and redis.call('EXISTS', floorAddressed) == 0 then addressed = before end
  if addressed then redis.call('SET', floorAddressed, addressed) end
  redis.call('SET', floor, cut)
  redis.call('XTRIM', feed, 'MAXLEN', '=', length - removed)
  if removed == #page and removed < length then more = 1 end
end
if remaining ~= bytes then redis.call('SET', feedBytes, string.format('%.0f', remaining)) end
return { removed, removedBytes, more, cut or before }
