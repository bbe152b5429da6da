#!lua flags=no-writes
-- Reads a room's newest entries of one kind before a position, newest first.
--
-- Atomic, because index and feed must be of one moment: an entry trimmed in between would be missing from a page that claims
-- to be whole. Looks at a bounded number of entries, whatever the room holds.
--
-- KEYS 1 feed  2 room index
-- ARGV 1 position, exclusive, or '' for the newest  2 most entries  3 beginning of the type  4 most entries looked at
-- Returns { position to go on from or '', { entry ID, type, client event, … } }
-- @include streams
-- @include ./feed-entry
local feed, room = KEYS[1], KEYS[2]
local before, limit, prefix, budget = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local entries, next, index = {}, '', -1
if before ~= '' then
  -- The first element from the end that is before the position.
  local low, high = -redis.call('LLEN', room), -1
  index = low - 1
  while low <= high do
    local middle = math.floor((low + high) / 2)
    local value = redis.call('LINDEX', room, middle)
    if string.sub(value, 1, 1) == '~' or below(value, before) then
      index = middle
      low = middle + 1
    else
      high = middle - 1
    end
  end
end
for looked = 1, budget do
  local id = redis.call('LINDEX', room, index)
  if not id or string.sub(id, 1, 1) == '~' then
    next = ''
    break
  end
  local entry = redis.call('XRANGE', feed, id, id)[1]
  if entry then
    local kind, event = typeAndEvent(entry)
    next = id
    if kind and string.sub(kind, 1, #prefix) == prefix then
      entries[#entries + 1] = id
      entries[#entries + 1] = kind
      entries[#entries + 1] = event
      if #entries >= limit * 3 then break end
    end
  elseif not below(lastIdOf(feed), id) then
    -- Older entries are trimmed too. One beyond the feed is not fanned out yet, and those before it are there.
    next = ''
    break
  end
  index = index - 1
end
return { next, entries }
