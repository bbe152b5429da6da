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
local function parts(id)
  local dash = string.find(id, '-', 1, true)
  return string.sub(id, 1, dash - 1), string.sub(id, dash + 1)
end
local function below(a, b)
  if a == b then return false end
  local aMs, aSeq = parts(a)
  local bMs, bSeq = parts(b)
  if #aMs ~= #bMs then return #aMs < #bMs end
  if aMs ~= bMs then return aMs < bMs end
  if #aSeq ~= #bSeq then return #aSeq < #bSeq end
  return aSeq < bSeq
end

local epochKey, floorKey, events, feed = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local held, known, fresh = ARGV[1], ARGV[2], ARGV[3]
local epoch = redis.call('GET', epochKey)
local feedLast = '0-0'
if redis.call('EXISTS', feed) == 1 then
  local info = redis.call('XINFO', 'STREAM', feed)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then feedLast = info[i + 1] end
  end
end
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
