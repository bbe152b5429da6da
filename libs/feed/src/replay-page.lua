#!lua flags=no-writes
-- Reads the next page of what a set of rooms may see after a position: IDs from the room indexes, payloads from the feed.
--
-- Atomic, because the indexes of several rooms and the feed must be of one moment: then "nothing is left" is a fact, and
-- an ID without its payload was trimmed and is not merely on its way. A room whose page came back full may hold more
-- entries between its last ID and another room's, so nothing beyond the smallest such ID is returned.
--
-- KEYS 1 feed  2… room indexes
-- ARGV 1 most entries  2 most payload bytes (at least one entry is returned)  3… per room: the ID after which it is read
-- Returns { feed's last ID, ID up to which all is returned, 1 where nothing is left or 0, number of missing payloads,
--           highest ID after the position that the size bound cut from one of the rooms or '',
--           { entry ID, type, client event, … } }
local feed = KEYS[1]
local maxEntries, maxBytes = tonumber(ARGV[1]), tonumber(ARGV[2])

-- @include streams
-- @include ./feed-entry
-- A mark of a cut counts as not after any position: it is no entry.
local function isAfter(value, position)
  return string.sub(value, 1, 1) ~= '~' and below(position, value)
end

-- Index of the first element after `position` in a list whose last element is. Looks from the end in growing steps, so
-- that the cost follows what was missed and not what is kept.
local function firstAfter(key, length, position)
  local known, step = length - 1, 16
  local low = -1
  while known > 0 do
    local probe = known - step
    if probe < 0 then break end
    if isAfter(redis.call('LINDEX', key, probe), position) then
      known = probe
      step = step * 4
    else
      low = probe
      break
    end
  end
  while known - low > 1 do
    local middle = math.floor((known + low) / 2)
    if isAfter(redis.call('LINDEX', key, middle), position) then known = middle else low = middle end
  end
  return known
end

local feedLast = lastIdOf(feed)

local ids, known, bound, cut = {}, {}, nil, ''
for room = 2, #KEYS do
  local key, position = KEYS[room], ARGV[room + 1]
  local mark = string.match(redis.call('LINDEX', key, 0) or '', '^~(.+)$')
  if mark and below(position, mark) and (cut == '' or below(cut, mark)) then cut = mark end
  local last = redis.call('LINDEX', key, -1)
  if last and isAfter(last, position) then
    local length = redis.call('LLEN', key)
    local first = firstAfter(key, length, position)
    local page = redis.call('LRANGE', key, first, first + maxEntries - 1)
    for _, id in ipairs(page) do
      if not known[id] then
        known[id] = true
        ids[#ids + 1] = id
      end
    end
    if first + #page < length then
      local pageLast = page[#page]
      if not bound or below(pageLast, bound) then bound = pageLast end
    end
  end
end
table.sort(ids, below)

local entries, bytes, missing, upTo, nothingLeft = {}, 0, 0, nil, 1
if bound then nothingLeft = 0 end
for _, id in ipairs(ids) do
  if bound and below(bound, id) then break end
  -- Beyond the feed: a half-finished fan-out, whose entries the tail will bring.
  if below(feedLast, id) then break end
  if #entries >= maxEntries * 3 or (bytes >= maxBytes and bytes > 0) then
    nothingLeft = 0
    break
  end
  local entry = redis.call('XRANGE', feed, id, id)[1]
  if entry then
    local kind, event = typeAndEvent(entry)
    entries[#entries + 1] = id
    entries[#entries + 1] = kind
    entries[#entries + 1] = event
    bytes = bytes + #event
  else
    missing = missing + 1
  end
  upTo = id
end
if nothingLeft == 1 then upTo = feedLast elseif not upTo then upTo = bound end
return { feedLast, upTo, nothingLeft, missing, cut, entries }
