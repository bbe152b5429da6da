#!lua flags=allow-oom
-- Counts how often an entry that an earlier owner left was about to be run. Only the first pending entry is of interest, and
-- entries are run in their order, so one count is enough.
--
-- Atomic with the look at the token. Runs when memory is full: accepted events must be able to leave the backlog.
--
-- KEYS 1 lease  2 trial
-- ARGV 1 fencing token  2 entry ID
-- Returns the count, this one included
-- Errors  FENCED  the token is not the lease's
local lease, trial = KEYS[1], KEYS[2]
local token, id = ARGV[1], ARGV[2]
-- An entry on trial is soon handled, or its partition has no owner.
local TTL_MS = 86400000

if redis.call('GET', lease) ~= token then
  return redis.error_reply('FENCED the lease is not held with this token')
end
if redis.call('HGET', trial, 'entry') ~= id then redis.call('HSET', trial, 'entry', id, 'count', 0) end
local count = redis.call('HINCRBY', trial, 'count', 1)
redis.call('PEXPIRE', trial, TTL_MS)
return count
