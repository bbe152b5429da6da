#!lua
-- Keeps events until they are due, each once.
--
-- Atomic, because the look for an event that was accepted before and the keeping must be one step. Whatever can fail, fails
-- before the first write. Without the flag allow-oom: Redis refuses it where it is above `maxmemory`, as it does publishing.
--
-- KEYS 1 scheduled  2 scheduled-order  3 seen  4 seen-before  5 full
-- ARGV 1 most scheduled events of the partition  2 duplicate window, ms  then for each event: digest, record, time in ms
-- Returns { 'full', why }, { 'many', how many there are }, or { 'done', outcome, value, outcome, value, … }; the outcome is
--         'scheduled' (with the time), 'kept' (it was scheduled before; with the time of then) or 'published' (with its entry)
local scheduled, order, seen, seenBefore, full = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local max, window = tonumber(ARGV[1]), tonumber(ARGV[2])

local why = redis.call('GET', full)
if why then return { 'full', why } end
redis.call('HLEN', scheduled)
local count = redis.call('ZCARD', order)
if count + (#ARGV - 2) / 3 > max then return { 'many', count } end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local reply = { 'done' }
for at = 3, #ARGV, 3 do
  local digest, due = ARGV[at], ARGV[at + 2]
  local kept = redis.call('ZSCORE', order, digest)
  local holder = redis.call('HGET', seen, digest) or redis.call('HGET', seenBefore, digest)
  local heldMs = holder and tonumber(string.match(holder, '^(%d+)%-%d+$'))
  if kept then
    reply[#reply + 1] = 'kept'
    reply[#reply + 1] = kept
  elseif heldMs and now - heldMs < window then
    reply[#reply + 1] = 'published'
    reply[#reply + 1] = holder
  else
    redis.call('HSET', scheduled, digest, ARGV[at + 1])
    redis.call('ZADD', order, due, digest)
    reply[#reply + 1] = 'scheduled'
    reply[#reply + 1] = due
  end
end
return reply
