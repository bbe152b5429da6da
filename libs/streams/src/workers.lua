#!lua flags=allow-oom
-- Says who is at work, after the caller's own heartbeat where it is due.
--
-- Atomic, and on Redis' clock, so that all workers judge each other by one clock and see one list. A heartbeat from the
-- future was written before that clock was set back; its worker, where it lives, soon writes another.
--
-- KEYS 1 workers
-- ARGV 1 worker id  2 how long a heartbeat counts, ms  3 '1' to write one
-- Returns the ids of the living workers
local workers, ttl = KEYS[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local oldest, newest = string.format('%.0f', now - ttl), string.format('%.0f', now + ttl)
if ARGV[3] == '1' then
  redis.call('ZADD', workers, string.format('%.0f', now), ARGV[1])
  redis.call('ZREMRANGEBYSCORE', workers, '-inf', oldest)
  redis.call('ZREMRANGEBYSCORE', workers, newest, '+inf')
end
return redis.call('ZRANGEBYSCORE', workers, '(' .. oldest, '(' .. newest)
