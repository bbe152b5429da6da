#!lua flags=allow-oom
-- Fans out one batch of a partition: writes room indexes and feed, dead-letters what cannot be delivered, parks what shall
-- be tried again, records the progress and moves the consumer group.
--
-- Atomic, because an entry must never count as handled without being in the feed and in its rooms' indexes, and because
-- the token must still be the lease's when the first write happens. A batch begins where `done` ends, so none is left out
-- and none is run again, whatever was read twice, or by a zombie, or lost on its way. Lua does not roll back, so everything
-- that can fail is tried before the first write; and every write is skipped where an earlier, half-finished run already
-- made it, so that repeating the batch completes it. Indexes are written before the feed: a replay ignores index entries beyond the
-- feed's last ID, so a half-finished run is never seen as a hole.
-- Runs when memory is full: accepted events must be able to leave the backlog.
-- An item with many rooms was written to most of them before, by `write-ahead.lua`; here it is completed, or refused where it
-- was not written as a whole.
--
-- KEYS 1 lease  2 events  3 feed  4 done  5 seen  6 seen-before  7 handled  8 feed-bytes  9 dead  10 dead-order
--      11 parked  12 parked-order  13 paused  14 dead-index  15 ahead  16… parts of the event index, then the room indexes that the items name
-- ARGV 1 fencing token  2 consumer group  3 room time to live, ms  4 most entries of a room
--      5 duplicate window, ms  6 the entry behind which the first item stands, without another one between them
--      7 to how many other rooms the batch, which then is one item, is to have been written ahead; 0 otherwise
--      8 number of parts of the event index, then for each the text to append; number of items, then the items:
--        'deliver', entry ID, digest, route, client event, number of rooms, positions of the rooms in KEYS…
--        'dead', entry ID, record, time of failure in ms, label
--        'park', entry ID, record, time of the next attempt in ms
--      A route is what a feed entry's field `route` holds behind the predecessor.
-- Returns { delivered, duplicates, dead, parked }
-- Errors  FENCED        the token is not the lease's
--         PAUSED        the partition is paused
--         STALE_BATCH   the items do not follow `done`, or are not ascending, or are not what was written ahead
--         FEED_AHEAD    the feed is beyond an entry that it does not hold
--         NOGROUP       the group or the stream is gone
local lease, events, feed, done, seen, seenBefore = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local handled, feedBytes, dead, deadOrder = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local parked, parkedOrder, paused, deadIndex, ahead, FIRST_PART = KEYS[11], KEYS[12], KEYS[13], KEYS[14], KEYS[15], 16
local token, group, roomTtl, maxPerRoom = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local duplicateWindow, after, roomsAhead = tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7])
local INDEX_PARTS = 8
local indexParts = tonumber(ARGV[INDEX_PARTS])
local count, FIRST_ROOM = tonumber(ARGV[INDEX_PARTS + indexParts + 1]), FIRST_PART + indexParts
-- Arguments that `unpack` can put on Lua's stack are limited to about 8,000.
local CHUNK = 1000

-- @include streams
-- @include dead-letters
-- @include ./room-index
-- @include ./duplicates

if redis.call('GET', lease) ~= token then
  return redis.error_reply('FENCED the lease is not held with this token')
end
if redis.call('EXISTS', paused) == 1 then return redis.error_reply('PAUSED the partition is paused') end
if redis.call('EXISTS', events) == 0 then return redis.error_reply('NOGROUP the event stream is gone') end
local consumers = groupOf(events, group)
if not consumers then return redis.error_reply('NOGROUP the consumer group is gone') end
local doneId = redis.call('GET', done) or '0-0'
if doneId ~= after then return redis.error_reply('STALE_BATCH behind ' .. after .. ' where ' .. doneId .. ' is done') end

local items, at, previous = {}, INDEX_PARTS + indexParts + 2, after
for i = 1, count do
  local kind = ARGV[at]
  if kind == 'deliver' then
    local rooms = tonumber(ARGV[at + 5])
    -- The positions of its rooms in KEYS stand in ARGV behind `rooms`, up to `lastRoom`.
    items[i] = { id = ARGV[at + 1], digest = ARGV[at + 2], route = ARGV[at + 3], event = ARGV[at + 4], rooms = at + 5, lastRoom = at + 5 + rooms }
    at = at + 6 + rooms
  else
    items[i] = { id = ARGV[at + 1], record = ARGV[at + 2], time = ARGV[at + 3], isParked = kind == 'park' }
    at = at + 4
    if kind == 'dead' then
      items[i].label = ARGV[at]
      at = at + 1
    end
  end
  if not below(previous, items[i].id) then return redis.error_reply('STALE_BATCH ' .. items[i].id .. ' behind ' .. previous) end
  previous = items[i].id
end

-- Everything that can fail, before the first write.
local feedLast = lastIdOf(feed)
tonumber(redis.call('GET', handled) or 0)
tonumber(redis.call('GET', feedBytes) or 0)
redis.call('HLEN', dead)
redis.call('ZCARD', deadOrder)
redis.call('ZCARD', deadIndex)
redis.call('HLEN', parked)
redis.call('ZCARD', parkedOrder)
for i = FIRST_PART, FIRST_ROOM - 1 do redis.call('STRLEN', KEYS[i]) end
redis.call('HLEN', seen)
redis.call('HLEN', seenBefore)
local roomLast = {}
for i = FIRST_ROOM, #KEYS do roomLast[KEYS[i]] = lastInRoom(KEYS[i]) end

-- Items are ascending, so those that a half-finished run added to the feed come first.
local firstUnfed = 1
while firstUnfed <= count and not below(feedLast, items[firstUnfed].id) do firstUnfed = firstUnfed + 1 end

-- The entry under each item's digest, `false` where there is none.
local holders, digests = {}, {}
for i = 1, count do
  if items[i].digest then digests[#digests + 1] = items[i].digest end
end
for from = 1, #digests, CHUNK do
  local to = math.min(from + CHUNK - 1, #digests)
  local current = redis.call('HMGET', seen, unpack(digests, from, to))
  local before = redis.call('HMGET', seenBefore, unpack(digests, from, to))
  for i = from, to do holders[digests[i]] = current[i - from + 1] or before[i - from + 1] end
end
local function isDuplicate(item) return isRepeated(item.id, holders[item.digest], duplicateWindow) end
local writtenAhead = redis.call('LLEN', ahead)
if roomsAhead > 0 and isDuplicate(items[1]) then roomsAhead = 0 end
if writtenAhead ~= (roomsAhead > 0 and roomsAhead + 1 or 0) or writtenAhead > 0 and redis.call('LINDEX', ahead, 0) ~= items[1].id then
  return redis.error_reply('STALE_BATCH ' .. writtenAhead .. ' names where ' .. roomsAhead .. ' rooms were to be written ahead')
end
for i = 1, firstUnfed - 1 do
  local item = items[i]
  if item.digest and #redis.call('XRANGE', feed, item.id, item.id) == 0 and not isDuplicate(item) then
    return redis.error_reply('FEED_AHEAD the feed ends at ' .. feedLast .. ' and lacks ' .. item.id)
  end
end

-- Digests, dead letters, indexes.
local duplicates, deliveries, deaths, later = 0, {}, 0, {}
local fresh, pushes, order = {}, {}, {}
for i = 1, count do
  local item = items[i]
  local isDropped = item.digest and isDuplicate(item)
  if item.isParked then
    later[#later + 1] = item
  elseif not item.digest then
    redis.call('HSET', dead, item.id, item.record)
    addDeadPlaces(deadOrder, deadIndex, item.id, item.label, item.time)
    deaths = deaths + 1
  elseif isDropped then
    duplicates = duplicates + 1
  else
    if holders[item.digest] ~= item.id then
      holders[item.digest] = item.id
      fresh[#fresh + 1] = item.digest
      fresh[#fresh + 1] = item.id
    end
    deliveries[#deliveries + 1] = item
    for room = item.rooms + 1, item.lastRoom do
      local key = KEYS[tonumber(ARGV[room])]
      local ids = pushes[key]
      -- After its first push a room takes every later item: they are ascending.
      if ids then
        ids[#ids + 1] = item.id
      elseif below(roomLast[key], item.id) then
        pushes[key] = { item.id }
        order[#order + 1] = key
      end
    end
  end
end
for from = 1, #fresh, 2 * CHUNK do
  redis.call('HSET', seen, unpack(fresh, from, math.min(from + 2 * CHUNK - 1, #fresh)))
end
-- A batch that is repeated appends its names once more, which nobody notices.
for part = 1, indexParts do
  local key = KEYS[FIRST_PART + part - 1]
  redis.call('APPEND', key, ARGV[INDEX_PARTS + part])
  redis.call('PEXPIRE', key, roomTtl)
end
for _, key in ipairs(order) do pushToRoom(key, pushes[key], maxPerRoom, roomTtl) end

-- Feed.
local bytes = 0
for _, item in ipairs(deliveries) do
  if below(feedLast, item.id) then
    local route = feedLast .. ' ' .. item.route
    redis.call('XADD', feed, item.id, 'route', route, 'event', item.event)
    bytes = bytes + #route + #item.event + 64
    feedLast = item.id
  end
end

-- Parking, together with the progress: what is parked may be appended again at once, and must be handled then.
for _, item in ipairs(later) do
  redis.call('HSET', parked, item.id, item.record)
  redis.call('ZADD', parkedOrder, item.time, item.id)
end

-- Progress, last of all.
if bytes > 0 then redis.call('INCRBY', feedBytes, bytes) end
redis.call('INCRBY', handled, count)
local last = items[count].id
local delivered, read = consumers['last-delivered-id'], consumers['entries-read']
if below(delivered, last) then
  local first = count
  while first > 1 and below(delivered, items[first - 1].id) do first = first - 1 end
  if read then
    redis.call('XGROUP', 'SETID', events, group, last, 'ENTRIESREAD', read + count - first + 1)
  else
    redis.call('XGROUP', 'SETID', events, group, last)
  end
end
if consumers.pending > 0 then
  local ids = {}
  for i = 1, count do ids[i] = items[i].id end
  redis.call('XACK', events, group, unpack(ids))
end
if writtenAhead > 0 then redis.call('DEL', ahead) end
redis.call('SET', done, last)
return { #deliveries, duplicates, deaths, #later }
