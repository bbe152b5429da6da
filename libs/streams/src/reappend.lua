#!lua flags=allow-oom
-- Appends events again that were put aside (dead letters, parked or scheduled events), at the tail of the event stream,
-- and takes them from where they were kept; each only if it is still there.
--
-- Atomic, because an event must be in one of both places and never in both: whoever repeats the call, or calls it at the
-- same time, finds nothing left to do. The new entry ID is written under the event's digest, or fan-out would take the
-- event for a duplicate of its first entry. Where the digest belongs to another entry by now, the same event was accepted
-- again in the meantime, and is dropped here. Runs when memory is full: it takes away what it adds.
--
-- KEYS 1 kept (hash)  2 kept-order (sorted set)  3 events  4 seen  5 seen-before  6 full  7 dead-index  8 tally (hash; optional)
-- ARGV 1 '1' to refuse while publishing is refused  2 duplicate window, ms  3 time to live of the tally, ms
--      4 number of events, then for each:
--        field under which it is kept, entry ID that it had ('' where it had none), digest ('' where it has none), event,
--        attempt ('' for a first one), first attempt of its round, time of its first failure in ms, why it failed last ('' where that
--        is not known), times that it was put aside in its round without being tried, label (of a dead letter that has one; else '')
-- Returns { 'full', why } or { 'done', outcome, entry ID, outcome, entry ID, … }; the outcome is 'appended' (with its new entry
--         ID), 'duplicate' (with the entry that holds it) or 'gone'
local kept, order, events, seen, seenBefore, full, deadIndex = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local tally = KEYS[8]
local window, tallyTtl, count = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])

-- @include streams
-- @include dead-letters

local why = ARGV[1] == '1' and redis.call('GET', full)
if why then return { 'full', why } end
-- Everything that can fail, before the first write.
redis.call('ZCARD', order)
redis.call('ZCARD', deadIndex)
redis.call('HLEN', seen)
redis.call('XLEN', events)
if tally then redis.call('HLEN', tally) end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function isDuplicate(id, holder)
  if not holder or holder == id then return false end
  if id ~= '' and below(id, holder) then return true end
  local from = id == '' and now or tonumber((parts(id)))
  return math.abs(from - tonumber((parts(holder)))) < window
end

local reply = { 'done' }
for i = 0, count - 1 do
  local at = 5 + 10 * i
  local field, id, digest, event, attempt = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local outcome, entryId = 'gone', ''
  if redis.call('HEXISTS', kept, field) == 1 then
    local holder = digest ~= '' and (redis.call('HGET', seen, digest) or redis.call('HGET', seenBefore, digest))
    if isDuplicate(id, holder) then
      outcome, entryId = 'duplicate', holder
    elseif attempt == '' then
      outcome, entryId = 'appended', redis.call('XADD', events, '*', 'event', event)
    else
      outcome = 'appended'
      local fields = { 'event', event, 'attempt', attempt, 'round', ARGV[at + 5], 'failing-since', ARGV[at + 6] }
      if ARGV[at + 7] ~= '' then
        fields[#fields + 1] = 'last-failure'
        fields[#fields + 1] = ARGV[at + 7]
      end
      if ARGV[at + 8] ~= '0' then
        fields[#fields + 1] = 'postponed'
        fields[#fields + 1] = ARGV[at + 8]
      end
      entryId = redis.call('XADD', events, '*', unpack(fields))
    end
    if outcome == 'appended' and digest ~= '' then redis.call('HSET', seen, digest, entryId) end
    redis.call('HDEL', kept, field)
    removeDeadPlaces(order, deadIndex, field, ARGV[at + 9])
    if tally then redis.call('HINCRBY', tally, outcome, 1) end
  end
  reply[#reply + 1] = outcome
  reply[#reply + 1] = entryId
end
if tally and redis.call('EXISTS', tally) == 1 then redis.call('PEXPIRE', tally, tallyTtl) end
return reply
