#!lua flags=allow-oom
-- Takes the next entries into the pending entries list, in the name of the group's one consumer.
--
-- Atomic with the look at the token, because the list shows what the owner has in hand, and nobody else.
--
-- KEYS 1 lease  2 events
-- ARGV 1 fencing token  2 consumer group  3 consumer  4 most entries
-- Returns how many were taken
-- Errors  FENCED   the token is not the lease's
--         NOGROUP  from Redis: the group or the stream is gone
local lease, events = KEYS[1], KEYS[2]
local token, group, consumer, count = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
-- The command returns payloads, too, of which only so many are to be in memory at a time.
local STEP = 16

if redis.call('GET', lease) ~= token then
  return redis.error_reply('FENCED the lease is not held with this token')
end
local taken = 0
while taken < count do
  local step = math.min(STEP, count - taken)
  local read = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', step, 'STREAMS', events, '>')
  local entries = read and #read[1][2] or 0
  taken = taken + entries
  if entries < step then break end
end
return taken
