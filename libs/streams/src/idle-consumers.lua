#!lua flags=allow-oom
-- Removes consumers of the group that are not ours, were idle for long, and have nothing pending.
--
-- Atomic, because removing a consumer destroys its pending entries: it must still have none.
--
-- KEYS 1 lease  2 events
-- ARGV 1 fencing token  2 group  3 our consumer  4 milliseconds
-- Returns the number of removed consumers
-- Errors  FENCED  the token is not the lease's
local lease, events = KEYS[1], KEYS[2]
local token, group, ours, idleMs = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

-- @include streams

if redis.call('GET', lease) ~= token then
  return redis.error_reply('FENCED the lease is not held with this token')
end
if redis.call('EXISTS', events) == 0 then return 0 end
if not groupOf(events, group) then return 0 end

local removed = 0
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', events, group)) do
  local consumer = named(info)
  if consumer.name ~= ours and consumer.pending == 0 and consumer.idle >= idleMs then
    redis.call('XGROUP', 'DELCONSUMER', events, group, consumer.name)
    removed = removed + 1
  end
end
return removed
