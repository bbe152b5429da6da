#!lua flags=allow-oom
-- Makes sure that the event stream and its consumer group exist, and says where their reader begins. A missing group starts
-- behind what was handled, so that nothing accepted is skipped (as from `$`) and nothing is done twice (as from the beginning).
--
-- Atomic, because `done` and the group's start must agree. A stream that vanished continues above every ID it can have
-- had: with a clock that was set back, new entries would otherwise sort below what was handled, and never be delivered.
--
-- KEYS 1 lease  2 events  3 done  4 handled  5 feed
-- ARGV 1 fencing token  2 consumer group
-- Returns { done, the group's last delivered ID, pending ID without a payload, … }
-- Errors  FENCED  the token is not the lease's
local lease, events, done, handled, feed = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local token, group = ARGV[1], ARGV[2]
-- Pending entries that are looked at; of more the rest is left for the next time.
local MOST_PENDING = 5000

-- @include streams

if redis.call('GET', lease) ~= token then
  return redis.error_reply('FENCED the lease is not held with this token')
end
local handledTo = redis.call('GET', done) or '0-0'
if redis.call('EXISTS', events) == 1 then
  local found = groupOf(events, group)
  if not found then
    redis.call('XGROUP', 'CREATE', events, group, handledTo)
    return { handledTo, handledTo }
  end
  local reply = { handledTo, found['last-delivered-id'] }
  if found.pending > 0 then
    for _, info in ipairs(redis.call('XPENDING', events, group, '(' .. handledTo, '+', MOST_PENDING)) do
      if #redis.call('XRANGE', events, info[1], info[1]) == 0 then reply[#reply + 1] = info[1] end
    end
  end
  return reply
end
local top = lastIdOf(feed)
if below(top, handledTo) then top = handledTo end
redis.call('XGROUP', 'CREATE', events, group, handledTo, 'MKSTREAM')
if top ~= '0-0' then redis.call('XSETID', events, top) end
redis.call('DEL', handled)
return { handledTo, handledTo }
