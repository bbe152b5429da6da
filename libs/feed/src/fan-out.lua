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
--      8 the last ID of the feed, '' where the caller does not know it
--      9 number of parts of the event index, then for each the text to append; number of items, then
--        the entry ID of each item, ascending; the digest of each, '' of one that is not delivered; of each item three more:
--        where it is delivered: route, client event, the positions of its rooms in KEYS, separated by spaces
--        otherwise 'dead:' and its label, record, time of failure in ms; or 'park', record, time of the next attempt in ms
--      A route is what a feed entry's field `route` holds behind the predecessor.
-- Returns { delivered, duplicates, dead, parked, the last ID of the feed now }
-- Errors  FENCED        the token is not the lease's
--         PAUSED        the partition is paused
--         STALE_BATCH   the items do not follow `done`, or are not what was written ahead
--         FEED_AHEAD    the feed is beyond an entry that it does not hold
--         NOGROUP       the group or the stream is gone
--
-- An event costs Redis more time here than anywhere else, and most of it in the interpreter: so what is the same of all items
-- stands together, to be handed on with `unpack`, and items are no tables.
local call, find, sub = redis.call, string.find, string.sub
local lease, events, feed, done, seen, seenBefore = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local handled, feedBytes, dead, deadOrder = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local parked, parkedOrder, paused, deadIndex, ahead, FIRST_PART = KEYS[11], KEYS[12], KEYS[13], KEYS[14], KEYS[15], 16
local token, group, roomTtl, maxPerRoom = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local duplicateWindow, after, roomsAhead, feedLast, INDEX_PARTS = tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7]), ARGV[8], 9
local indexParts = tonumber(ARGV[INDEX_PARTS])
local count, FIRST_ROOM = tonumber(ARGV[INDEX_PARTS + indexParts + 1]), FIRST_PART + indexParts
-- Of item i: its entry ID is ARGV[IDS + i], its digest ARGV[DIGESTS + i], the rest begins at ARGV[REST + 3 * i].
local IDS = INDEX_PARTS + indexParts + 1
local DIGESTS = IDS + count
local REST = DIGESTS + count - 2
-- Arguments that `unpack` can put on Lua's stack are limited to about 8,000.
local CHUNK = 1000

-- @include streams
-- @include dead-letters
-- @include ./room-index
-- @include ./duplicates
-- @include ./ahead

local held, pause, doneId = unpack(call('MGET', lease, paused, done))
if held ~= token then return redis.error_reply('FENCED the lease is not held with this token') end
if pause then return redis.error_reply('PAUSED the partition is paused') end
doneId = doneId or '0-0'
if doneId ~= after then return redis.error_reply('STALE_BATCH behind ' .. after .. ' where ' .. doneId .. ' is done') end
if call('EXISTS', events) == 0 then return redis.error_reply('NOGROUP the event stream is gone') end
local consumers = groupOf(events, group)
if not consumers then return redis.error_reply('NOGROUP the consumer group is gone') end

-- What can fail, before the first write. (A counter that holds no number fails at the end; then the batch is complete but for it.)
if call('XLEN', feed) == 0 or feedLast == '' then feedLast = lastIdOf(feed) end
local hasOthers = false
for i = 1, count do hasOthers = hasOthers or ARGV[DIGESTS + i] == '' end
if hasOthers then
  call('HLEN', dead)
  call('ZCARD', deadOrder)
  call('ZCARD', deadIndex)
  call('HLEN', parked)
  call('ZCARD', parkedOrder)
end
local roomLast = {}
for i = FIRST_ROOM, #KEYS do roomLast[i] = lastInRoom(KEYS[i]) end

-- Items are ascending, so those that a half-finished run added to the feed come first.
local firstUnfed = 1
while firstUnfed <= count and not below(feedLast, ARGV[IDS + firstUnfed]) do firstUnfed = firstUnfed + 1 end

-- Which items are delivered: events that were not delivered under another entry already.
local isDelivered = {}
local duplicates, deliveries, deaths = 0, 0, 0
-- The entry of each event that nobody has published before, and the same one behind the other.
local fresh, freshList = {}, {}
for from = 1, count, CHUNK do
  local to = math.min(from + CHUNK - 1, count)
  local current = call('HMGET', seen, unpack(ARGV, DIGESTS + from, DIGESTS + to))
  local before = call('HMGET', seenBefore, unpack(ARGV, DIGESTS + from, DIGESTS + to))
  for i = from, to do
    local digest = ARGV[DIGESTS + i]
    if digest ~= '' then
      local id, holder = ARGV[IDS + i], fresh[digest] or current[i - from + 1] or before[i - from + 1]
      if isRepeated(id, holder, duplicateWindow) then
        duplicates = duplicates + 1
      else
        isDelivered[i] = true
        deliveries = deliveries + 1
        if holder ~= id then
          fresh[digest] = id
          freshList[#freshList + 1] = digest
          freshList[#freshList + 1] = id
        end
      end
    end
  end
end
if duplicates > 0 then roomsAhead = 0 end
if not isWrittenAhead(ahead, ARGV[IDS + 1], roomsAhead) then
  return redis.error_reply('STALE_BATCH not written ahead to ' .. roomsAhead .. ' rooms')
end
for i = 1, firstUnfed - 1 do
  local id = ARGV[IDS + i]
  if isDelivered[i] and #call('XRANGE', feed, id, id) == 0 then
    return redis.error_reply('FEED_AHEAD the feed ends at ' .. feedLast .. ' and lacks ' .. id)
  end
end

-- Digests, dead letters, indexes.
for from = 1, #freshList, 2 * CHUNK do
  call('HSET', seen, unpack(freshList, from, math.min(from + 2 * CHUNK - 1, #freshList)))
end
-- A batch that is repeated appends its names once more, which nobody notices. A part takes names for an hour.
for part = 1, indexParts do
  local key, names = KEYS[FIRST_PART + part - 1], ARGV[INDEX_PARTS + part]
  if call('APPEND', key, names) == #names then call('PEXPIRE', key, roomTtl + 3600000) end
end
-- The entry IDs that each room gets, by its position in KEYS.
local pushes, order = {}, {}
local function push(room, id)
  local ids = pushes[room]
  -- After its first push a room takes every later item: they are ascending.
  if ids then
    ids[#ids + 1] = id
  elseif below(roomLast[room], id) then
    pushes[room] = { id }
    order[#order + 1] = room
  end
end
-- Events in sequence often go to the same rooms.
local lastRooms, lastRoom
for i = 1, count do
  if isDelivered[i] then
    local id, rooms = ARGV[IDS + i], ARGV[REST + 3 * i + 2]
    if rooms ~= lastRooms then
      lastRooms = rooms
      lastRoom = not find(rooms, ' ', 1, true) and tonumber(rooms)
    end
    if lastRoom then
      push(lastRoom, id)
    else
      for room in string.gmatch(rooms, '%d+') do push(tonumber(room), id) end
    end
  elseif ARGV[DIGESTS + i] == '' and sub(ARGV[REST + 3 * i], 1, 5) == 'dead:' then
    local id, label = ARGV[IDS + i], sub(ARGV[REST + 3 * i], 6)
    call('HSET', dead, id, ARGV[REST + 3 * i + 1])
    addDeadPlaces(deadOrder, deadIndex, id, label, ARGV[REST + 3 * i + 2])
    deaths = deaths + 1
  end
end
for _, room in ipairs(order) do pushToRoom(KEYS[room], pushes[room], maxPerRoom, roomTtl) end

-- Feed.
local bytes = 0
for i = firstUnfed, count do
  if isDelivered[i] then
    local id, event = ARGV[IDS + i], ARGV[REST + 3 * i + 1]
    local route = feedLast .. ' ' .. ARGV[REST + 3 * i]
    call('XADD', feed, id, 'route', route, 'event', event)
    bytes = bytes + #route + #event + 64
    feedLast = id
  end
end

-- Parking, together with the progress: what is parked may be appended again at once, and must be handled then.
local later = count - deliveries - duplicates - deaths
if later > 0 then
  for i = 1, count do
    if ARGV[DIGESTS + i] == '' and ARGV[REST + 3 * i] == 'park' then
      local id = ARGV[IDS + i]
      call('HSET', parked, id, ARGV[REST + 3 * i + 1])
      call('ZADD', parkedOrder, ARGV[REST + 3 * i + 2], id)
    end
  end
end

-- Progress, last of all.
if bytes > 0 then call('INCRBY', feedBytes, bytes) end
call('INCRBY', handled, count)
local last = ARGV[IDS + count]
local delivered, read = consumers['last-delivered-id'], consumers['entries-read']
if below(delivered, last) then
  local first = 1
  -- Somebody read beyond `done` for the group.
  if below(after, delivered) then
    while not below(delivered, ARGV[IDS + first]) do first = first + 1 end
  end
  if read then
    call('XGROUP', 'SETID', events, group, last, 'ENTRIESREAD', read + count - first + 1)
  else
    call('XGROUP', 'SETID', events, group, last)
  end
end
if consumers.pending > 0 then call('XACK', events, group, unpack(ARGV, IDS + 1, IDS + count)) end
if roomsAhead > 0 then call('DEL', ahead) end
call('SET', done, last)
return { deliveries, duplicates, deaths, later, feedLast }
