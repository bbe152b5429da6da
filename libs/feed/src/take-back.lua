#!lua flags=allow-oom
-- Takes an entry out of the indexes of rooms to which it was written ahead of a fan-out that did not come. The entry is about to be
-- prepared again, and what becomes of it may be something else: other rooms, a dead letter, another attempt later.
--
-- Atomic, because a room must be named in `ahead` as long as it is written. Where the feed has the entry, a fan-out ended half-way
-- at its end: then it is seen already and stays, and the next run completes it.
--
-- KEYS 1 lease  2 feed  3 ahead  4… room indexes of the names that stand last in `ahead`
-- ARGV 1 fencing token  2 entry ID  3 number of names in `ahead`
-- Returns how many names are left
-- Errors  FENCED       the token is not the lease's
--         STALE_BATCH  `ahead` is not what the caller read
local lease, feed, ahead, FIRST_ROOM = KEYS[1], KEYS[2], KEYS[3], 4
local token, id, names = ARGV[1], ARGV[2], tonumber(ARGV[3])

-- @include ./ahead

if redis.call('GET', lease) ~= token then
  return redis.error_reply('FENCED the lease is not held with this token')
end
if not isWrittenAhead(ahead, id, names) then
  return redis.error_reply('STALE_BATCH what was written ahead has changed')
end
local rooms = #KEYS - FIRST_ROOM + 1
local left = names - rooms
if #redis.call('XRANGE', feed, id, id) > 0 then
  left = 0
else
  for room = FIRST_ROOM, #KEYS do
    if redis.call('LINDEX', KEYS[room], -1) == id then redis.call('RPOP', KEYS[room]) end
  end
end
if left == 0 then redis.call('DEL', ahead) else redis.call('LTRIM', ahead, 0, -1 - rooms) end
return left
