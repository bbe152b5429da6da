#!lua flags=allow-oom
-- Discards dead letters and leaves a tombstone for each, which says what it was and why it went.
--
-- Atomic, because a dead letter that goes without its tombstone would be a silent loss. Idempotent: one that is not there any
-- more leaves no tombstone. Runs when memory is full: it makes room.
--
-- KEYS 1 dead  2 dead-order  3 tombstones  4 tombstone-order  5 dead-index  6 tally (hash; optional)
-- ARGV 1 time in ms  2 time to live of the tally, ms  then for each: entry ID, tombstone, label ('' where it has none)
-- Returns for each 1, or 0 where it was not there
local dead, deadOrder, tombstones, tombstoneOrder, deadIndex, tally = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]

-- @include dead-letters

-- Everything that can fail, before the first write.
redis.call('ZCARD', deadOrder)
redis.call('ZCARD', deadIndex)
redis.call('HLEN', tombstones)
redis.call('ZCARD', tombstoneOrder)
if tally then redis.call('HLEN', tally) end
local reply, discarded = {}, 0
for at = 3, #ARGV, 3 do
  local id = ARGV[at]
  local gone = redis.call('HDEL', dead, id)
  if gone == 1 then
    removeDeadPlaces(deadOrder, deadIndex, id, ARGV[at + 2])
    redis.call('HSET', tombstones, id, ARGV[at + 1])
    redis.call('ZADD', tombstoneOrder, ARGV[1], id)
    discarded = discarded + 1
  end
  reply[#reply + 1] = gone
end
if tally and discarded > 0 then
  redis.call('HINCRBY', tally, 'discarded', discarded)
  redis.call('PEXPIRE', tally, ARGV[2])
end
return reply
