#!lua
-- Appends events to one partition's event stream, each at most once within ten minutes.
--
-- KEYS  1 events       2 seen   3 seen-before   4 handled   5 full   6 epoch
-- ARGV  1 most entries the backlog may have afterwards; then for each event: its digest, its JSON text
--
-- Returns {'appended', epoch, id, duplicate, id, duplicate, …} in the order of the events, where duplicate is 0 or 1
--                 and id the entry that holds the event; epoch is '' where the partition has none
--         {'full', why}       publishing is refused because memory is short
--         {'backlog', length} the backlog has no room for all of them
-- A refusal concerns the whole call and writes nothing. Duplicates need no room, so they are never refused.
--
-- Errors  OOM where Redis is above `maxmemory`: without the flag allow-oom it refuses the script before it begins.
--
-- Atomic because the look-up and the append must be one step, or two publishers of one event would both append it; and
-- because the backlog must be counted with nobody appending in between. Whatever can fail, fails before the first
-- write: a key of another type is met by a read.

local DUPLICATE_WINDOW_MS = 600000
-- Arguments that `unpack` can put on Lua's stack are limited to about 8,000.
local CHUNK = 1000

local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local digests, events = {}, {}
for i = 2, #ARGV, 2 do
  digests[#digests + 1] = ARGV[i]
  events[#events + 1] = ARGV[i + 1]
end

-- The entry ID under each digest, where one is young enough.
local ids = {}
local function look_up(key)
  for from = 1, #digests, CHUNK do
    local to = math.min(from + CHUNK - 1, #digests)
    local found = redis.call('HMGET', key, unpack(digests, from, to))
    for i = from, to do
      local id = found[i - from + 1]
      local id_ms = id and tonumber(string.match(id, '^(%d+)%-%d+$'))
      if id_ms and now_ms - id_ms < DUPLICATE_WINDOW_MS then ids[i] = id end
    end
  end
end
look_up(KEYS[3])
look_up(KEYS[2])

local first, new = {}, 0
for i = 1, #digests do
  if not ids[i] and not first[digests[i]] then
    first[digests[i]] = i
    new = new + 1
  end
end

if new > 0 then
  local full = redis.call('GET', KEYS[5])
  if full then return {'full', full} end
  local handled = math.max(0, tonumber(redis.call('GET', KEYS[4]) or '0') or 0)
  local backlog = redis.call('XLEN', KEYS[1]) - handled
  if backlog + new > tonumber(ARGV[1]) then return {'backlog', backlog} end
end

local reply = {'appended', redis.call('GET', KEYS[6]) or ''}
local seen = {}
for i = 1, #digests do
  local id, duplicate = ids[i], 1
  if not id then
    local owner = first[digests[i]]
    if owner == i then
      id, duplicate = redis.call('XADD', KEYS[1], '*', 'event', events[i]), 0
      ids[i] = id
      seen[#seen + 1] = digests[i]
      seen[#seen + 1] = id
    else
      id = ids[owner]
    end
  end
  reply[#reply + 1] = id
  reply[#reply + 1] = duplicate
end
for from = 1, #seen, 2 * CHUNK do
  redis.call('HSET', KEYS[2], unpack(seen, from, math.min(from + 2 * CHUNK - 1, #seen)))
end
return reply
