#!lua flags=allow-oom
-- Checks that the history a process has followed is still there, and renames the partition's epoch where it is not, so that
-- every cursor of the broken history is recognised.
--
-- Atomic, because two processes that find the same loss must change the epoch once: it is changed only while it is still
-- the one the caller knew. Runs when memory is full: it overwrites one short value.
--
-- KEYS 1 epoch  2 floor  3 events  4 feed
-- ARGV 1 last entry ID the caller holds  2 epoch the caller knows, '' where none  3 epoch to set where history is broken
-- Returns { epoch, 1 where the history is intact or 0, last ID of feed }
-- @include streams

local epochKey, floorKey, events, feed = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local held, known, fresh = ARGV[1], ARGV[2], ARGV[3]
local epoch = redis.call('GET', epochKey)
local feedLast = lastIdOf(feed)
local intact = epoch and (known == '' or known == epoch)
if intact and held ~= '0-0' then
  local floor = redis.call('GET', floorKey) or '0-0'
  intact = not below(floor, held)
    or #redis.call('XRANGE', feed, held, held) > 0
    or #redis.call('XRANGE', events, held, held) > 0
end
if intact then return { epoch, 1, feedLast } end
if not epoch or known == '' or known == epoch then
  epoch = fresh
  redis.call('SET', epochKey, epoch)
end
return { epoch, 0, feedLast }
