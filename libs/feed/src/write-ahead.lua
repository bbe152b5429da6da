#!lua flags=allow-oom
-- Writes an entry to the indexes of a part of its rooms, ahead of its fan-out: one that has many rooms would hold Redis for too
-- long in one step. Nobody sees it before fan-out has run, since replays ignore what is beyond the feed's last ID.
--
-- Atomic, because each room that is written must be named in `ahead`, by which the next owner takes back what was not completed;
-- and because the token must still be the lease's. `ahead` holds the entry ID and then the names, so that a step that is
-- repeated, left out or of an earlier session is refused. Everything that can fail is tried before the first write. Takes the
-- event's digest, so that the entry cannot become a duplicate between here and fan-out.
-- Runs when memory is full: accepted events must be able to leave the backlog.
--
-- KEYS 1 lease  2 done  3 paused  4 seen  5 seen-before  6 ahead  7… room indexes
-- ARGV 1 fencing token  2 the entry before this one  3 entry ID  4 digest  5 duplicate window, ms
--      6 to how many rooms it was written before  7 room time to live, ms  8 most entries of a room  9… names of the rooms
-- Returns 1, or 0 where the event is a duplicate, and nothing was written
-- Errors  FENCED        the token is not the lease's
--         PAUSED        the partition is paused
--         STALE_BATCH   the entry does not follow `done`, or the step not the one before
local lease, done, paused, seen, seenBefore, ahead, FIRST_ROOM = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], 7
local token, after, id, digest = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local duplicateWindow, before, roomTtl, maxPerRoom = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8])
local FIRST_NAME = 9

-- @include streams
-- @include ./room-index
-- @include ./duplicates
-- @include ./ahead

if redis.call('GET', lease) ~= token then
  return redis.error_reply('FENCED the lease is not held with this token')
end
if redis.call('EXISTS', paused) == 1 then return redis.error_reply('PAUSED the partition is paused') end
local doneId = redis.call('GET', done) or '0-0'
if doneId ~= after or not below(after, id) then
  return redis.error_reply('STALE_BATCH ' .. id .. ' behind ' .. after .. ' where ' .. doneId .. ' is done')
end
if not isWrittenAhead(ahead, id, before) then
  return redis.error_reply('STALE_BATCH not written ahead to ' .. before .. ' rooms')
end
local holder = redis.call('HGET', seen, digest) or redis.call('HGET', seenBefore, digest)
if isRepeated(id, holder, duplicateWindow) then return 0 end
for room = FIRST_ROOM, #KEYS do redis.call('LLEN', KEYS[room]) end

if holder ~= id then redis.call('HSET', seen, digest, id) end
if before == 0 then redis.call('RPUSH', ahead, id) end
redis.call('RPUSH', ahead, unpack(ARGV, FIRST_NAME))
for room = FIRST_ROOM, #KEYS do
  local key = KEYS[room]
  if below(lastInRoom(key), id) then pushToRoom(key, { id }, maxPerRoom, roomTtl) end
end
return 1
