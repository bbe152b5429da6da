#!lua flags=allow-oom
-- Takes the next new entries of the event stream into the pending entries list.
--
-- Atomic with the look at the token, because a worker whose lease is gone must not take entries away from the new owner.
-- Reads in steps sized by what the entries so far weighed, so that a few large ones do not make a huge reply.
--
-- KEYS 1 lease  2 events  3 paused
-- ARGV 1 fencing token  2 consumer group  3 consumer  4 most entries  5 bytes after which no more are taken
-- Returns { 1 where there may be more or 0, position, pending, entry ID, content, entry ID, content, … }. The position is
--         the last entry taken, or the stream's last ID where there was none: nothing up to it is left to take. Pending is
--         the length of the pending entries list, these entries included. The content is the text of the field `event`
--         where it is the only one, else the array of all fields and values.
-- Errors  FENCED   the token is not the lease's
--         PAUSED   the partition is paused
--         NOGROUP  from Redis: the group or the stream is gone
local lease, events, paused = KEYS[1], KEYS[2], KEYS[3]
local token, group, consumer, count, maxBytes = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local FIRST_STEP = 16

-- @include entry-ids

if redis.call('GET', lease) ~= token then
  return redis.error_reply('FENCED the lease is not held with this token')
end
if redis.call('EXISTS', paused) == 1 then return redis.error_reply('PAUSED the partition is paused') end
local reply, taken, bytes, step, more = { 0, '0-0', 0 }, 0, 0, math.min(count, FIRST_STEP), 1
while taken < count and bytes < maxBytes do
  local read = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', step, 'STREAMS', events, '>')
  local entries = read and read[1][2] or {}
  for _, entry in ipairs(entries) do
    local id, fields = entry[1], entry[2]
    for i = 1, #fields, 2 do bytes = bytes + #fields[i] + #fields[i + 1] end
    local content = #fields == 2 and fields[1] == 'event' and fields[2] or fields
    reply[#reply + 1] = id
    reply[#reply + 1] = content
    reply[2] = id
  end
  taken = taken + #entries
  if #entries < step then
    more = 0
    break
  end
  step = math.max(1, math.min(count - taken, math.floor((maxBytes - bytes) * taken / bytes)))
end
reply[1] = more
reply[3] = redis.call('XPENDING', events, group)[1]
if taken == 0 then reply[2] = lastIdOf(events) end
return reply
