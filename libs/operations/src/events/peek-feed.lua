#!lua flags=no-writes
-- Looks at a slice of a feed and returns the entries that match, newest or oldest first.
--
-- A script, because most entries do not match, and their payloads need not leave Redis. It stops after so many entries or
-- bytes, so that it holds Redis for a millisecond or two at most; the caller goes on from where it stopped.
--
-- KEYS 1 feed
-- ARGV 1 'newest' or 'oldest'  2 where to begin (an XRANGE bound)  3 where to end (an XRANGE bound)  4 most entries to look at
--      5 bytes after which no more are looked at  6 most matches  7 tenant as it stands in a route, or ''
--      8 type, or the beginning of one followed by '*', or ''  9 room, or ''  10 text that the event must contain, or ''
--      11 '1' for the size of each event in place of the event
-- Returns { entries looked at, last one looked at or '', 1 where nothing is left or 0, entry ID, route, event, … }
local feed = KEYS[1]
local newest, from, to = ARGV[1] == 'newest', ARGV[2], ARGV[3]
local count, maxBytes, most = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local tenant, typePattern, room, text = ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local sizes = ARGV[11] == '1'

-- @include ./peek

local prefix
if string.sub(typePattern, -1) == '*' then prefix = string.sub(typePattern, 1, -2) end

local function matches(route, event)
  local entryTenant, entryType, rooms = string.match(route, '^%S+ (%S*) (%S*) ?(.*)$')
  if not entryTenant then return false end
  if tenant ~= '' and entryTenant ~= tenant then return false end
  if prefix then
    if string.sub(entryType, 1, #prefix) ~= prefix then return false end
  elseif typePattern ~= '' and entryType ~= typePattern then
    return false
  end
  if room ~= '' and not string.find(' ' .. rooms .. ' ', ' ' .. room .. ' ', 1, true) then return false end
  return text == '' or string.find(event, text, 1, true) ~= nil
end

local reply, looked, bytes, found, step = { 0, '', 0 }, 0, 0, 0, math.min(count, FIRST_STEP)
while looked < count and bytes < maxBytes and found < most do
  local entries = entriesOf(feed, newest, from, to, step)
  for _, entry in ipairs(entries) do
    local fields, route, event = entry[2], '', ''
    for i = 1, #fields, 2 do
      bytes = bytes + #fields[i + 1]
      if fields[i] == 'route' then route = fields[i + 1] elseif fields[i] == 'event' then event = fields[i + 1] end
    end
    looked = looked + 1
    reply[2] = entry[1]
    if matches(route, event) then
      found = found + 1
      reply[#reply + 1] = entry[1]
      reply[#reply + 1] = route
      reply[#reply + 1] = sizes and tostring(#event) or event
      if found == most then break end
    end
  end
  if found < most and #entries < step then
    reply[3] = 1
    break
  end
  from = '(' .. reply[2]
  step = nextStep(count, looked, maxBytes, bytes)
end
reply[1] = looked
return reply
