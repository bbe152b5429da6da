#!lua
-- Appends events to one partition's event stream, each at most once within ten minutes.
--
-- KEYS  1 events       2 seen   3 seen-before   4 handled   5 full   6 epoch
-- ARGV  1 most entries the backlog may have afterwards; then the digests of all events, then their JSON texts
--
-- Returns {'appended', epoch, ids, duplicates}: the entries that hold the events, in their order and separated by spaces;
--                 likewise the numbers, from 1, of the events that are duplicates; epoch is '' where the partition has none
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

local call = redis.call
local time = call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
-- Of event i: its digest is ARGV[DIGESTS + i], its text ARGV[EVENTS + i].
local count, DIGESTS = (#ARGV - 1) / 2, 1
local EVENTS = DIGESTS + count

-- The entry of each event, where it has a young one.
local ids, known = {}, 0
local function look_up(key)
  for from = 1, count, CHUNK do
    local to = math.min(from + CHUNK - 1, count)
    local found = call('HMGET', key, unpack(ARGV, DIGESTS + from, DIGESTS + to))
    for i = from, to do
      local id = found[i - from + 1]
      local id_ms = id and tonumber(string.match(id, '^(%d+)%-%d+$'))
      if id_ms and now_ms - id_ms < DUPLICATE_WINDOW_MS then
        if not ids[i] then known = known + 1 end
        ids[i] = id
      end
    end
  end
end
look_up(KEYS[3])
look_up(KEYS[2])

-- How many would be appended, each of those that stand twice in the call once.
local function news()
  local first, new = {}, 0
  for i = 1, count do
    local digest = ARGV[DIGESTS + i]
    if not ids[i] and not first[digest] then
      first[digest] = true
      new = new + 1
    end
  end
  return new
end

if known < count then
  local full = call('GET', KEYS[5])
  if full then return {'full', full} end
  local handled = math.max(0, tonumber(call('GET', KEYS[4]) or '0') or 0)
  local backlog, most = call('XLEN', KEYS[1]) - handled, tonumber(ARGV[1])
  if backlog + count - known > most and backlog + news() > most then return {'backlog', backlog} end
end

local epoch = call('GET', KEYS[6]) or ''
local appended, seen, duplicates = {}, {}, {}
for i = 1, count do
  local digest = ARGV[DIGESTS + i]
  local id = ids[i] or appended[digest]
  if id then
    duplicates[#duplicates + 1] = i
  else
    id = call('XADD', KEYS[1], '*', 'event', ARGV[EVENTS + i])
    appended[digest] = id
    seen[#seen + 1] = digest
    seen[#seen + 1] = id
  end
  ids[i] = id
end
for from = 1, #seen, 2 * CHUNK do
  call('HSET', KEYS[2], unpack(seen, from, math.min(from + 2 * CHUNK - 1, #seen)))
end
return {'appended', epoch, table.concat(ids, ' '), table.concat(duplicates, ' ')}
