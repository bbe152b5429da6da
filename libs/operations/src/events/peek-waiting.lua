#!lua flags=no-writes
-- Looks at a slice of an event stream and returns the entries whose event contains a text.
--
-- A script, because hardly any does, and events need not leave Redis. It stops after so many entries or bytes, so that it holds
-- Redis for a millisecond or so; the caller goes on from where it stopped.
--
-- KEYS 1 events
-- ARGV 1 'newest' or 'oldest'  2 where to begin (an XRANGE bound)  3 where to end (an XRANGE bound)  4 most entries to look at
--      5 bytes after which no more are looked at  6 the text; '' for all entries, also those without an event
-- Returns { entries looked at, last one looked at or '', 1 where nothing is left or 0, entry ID, event or nil, … }
local events, newest, from, to, text = KEYS[1], ARGV[1] == 'newest', ARGV[2], ARGV[3], ARGV[6]
local count, maxBytes = tonumber(ARGV[4]), tonumber(ARGV[5])

-- @include ./peek

local reply, looked, bytes, step = { 0, '', 0 }, 0, 0, math.min(count, FIRST_STEP)
while looked < count and bytes < maxBytes do
  local entries = entriesOf(events, newest, from, to, step)
  for _, entry in ipairs(entries) do
    local fields, event = entry[2], false
    for i = 1, #fields, 2 do
      bytes = bytes + #fields[i + 1]
      if fields[i] == 'event' then event = fields[i + 1] end
    end
    if text == '' or (event and string.find(event, text, 1, true)) then
      reply[#reply + 1] = entry[1]
      reply[#reply + 1] = event
    end
    reply[2] = entry[1]
  end
  looked = looked + #entries
  if #entries < step then
    reply[3] = 1
    break
  end
  from = '(' .. reply[2]
  step = nextStep(count, looked, maxBytes, bytes)
end
reply[1] = looked
return reply
