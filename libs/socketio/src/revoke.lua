#!lua flags=allow-oom
-- Adds a revocation to the installation's list, and removes what has ended from its beginning.
--
-- Atomic, because the end is counted from Redis' clock at the moment of adding, and the list's own life from the longest
-- revocation in it. Runs when memory is full: shutting somebody out must not depend on room for events.
--
-- KEYS 1 revocations
-- ARGV 1 target  2 how long, ms  3 'revocation', or 'block' where an operator shuts somebody out for a time
-- Returns the time at which it ends, ms
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local untilMs = now + tonumber(ARGV[2])
for _ = 1, 100 do
  local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  if not first or tonumber(first[2][4]) > now then break end
  redis.call('XDEL', KEYS[1], first[1])
end
redis.call('XADD', KEYS[1], '*', 'target', ARGV[1], 'until', string.format('%.0f', untilMs), 'cause', ARGV[3])
local life = redis.call('PTTL', KEYS[1])
if life < untilMs - now then redis.call('PEXPIRE', KEYS[1], untilMs - now) end
return untilMs
