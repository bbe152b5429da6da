#!lua flags=no-writes
-- Reads the next entries of the pending entries list with their payloads, whichever consumer took them.
--
-- Atomic with the look at the token, because only the owner may act on them. Reads with XPENDING and XRANGE: a history read
-- by XREADGROUP would raise delivery counts and show one consumer's entries only.
--
-- KEYS 1 lease  2 events
-- ARGV 1 fencing token  2 consumer group  3 entry ID after which to read  4 most entries  5 bytes after which to stop
-- Returns { 1 where there may be more or 0, position, pending, entry ID, content, … } as `take.lua` does; the content is nil
--         where the entry's payload is gone. The position is the last entry returned, or the one after which was read.
-- Errors  FENCED   the token is not the lease's
--         NOGROUP  from Redis: the group or the stream is gone
local lease, events = KEYS[1], KEYS[2]
local token, group, after, count, maxBytes = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])

if redis.call('GET', lease) ~= token then
  return redis.error_reply('FENCED the lease is not held with this token')
end
local reply, bytes, more = { 0, after, redis.call('XPENDING', events, group)[1] }, 0, 0
local pending = redis.call('XPENDING', events, group, '(' .. after, '+', count)
if #pending == count then more = 1 end
for _, info in ipairs(pending) do
  if bytes >= maxBytes then
    more = 1
    break
  end
  local id = info[1]
  local entry = redis.call('XRANGE', events, id, id)[1]
  local content = false
  if entry then
    local fields = entry[2]
    for i = 1, #fields, 2 do bytes = bytes + #fields[i] + #fields[i + 1] end
    content = #fields == 2 and fields[1] == 'event' and fields[2] or fields
  end
  reply[#reply + 1] = id
  reply[#reply + 1] = content
  reply[2] = id
end
reply[1] = more
return reply
