#!lua flags=allow-oom
-- Refuses or allows publishing to a partition, as the memory of the server that holds it demands.
--
-- Atomic with the look at the token, because a worker whose lease is gone must not overrule the new owner. Looks at INFO
-- itself: in a cluster this runs on the very node whose memory matters. Runs when memory is full, for that is its purpose.
--
-- KEYS 1 lease  2 full
-- ARGV 1 fencing token  2 percent of maxmemory above which publishing is refused  3 time to live of a refusal, ms
-- Returns { 1 where publishing is refused or 0, used bytes, maxmemory or 0 where it is not set }
-- Errors  FENCED  the token is not the lease's
local lease, full = KEYS[1], KEYS[2]
local token, percent, ttl = ARGV[1], tonumber(ARGV[2]), ARGV[3]

if redis.call('GET', lease) ~= token then
  return redis.error_reply('FENCED the lease is not held with this token')
end
local info = redis.call('INFO', 'memory')
local used = tonumber(string.match(info, '\nused_memory:(%d+)')) or 0
local max = tonumber(string.match(info, '\nmaxmemory:(%d+)')) or 0
if max > 0 and used > max * percent / 100 then
  redis.call('SET', full, string.format('%d %% of maxmemory are used', math.floor(used * 100 / max)), 'PX', ttl)
  return { 1, used, max }
end
if redis.call('EXISTS', full) == 1 then redis.call('DEL', full) end
return { 0, used, max }
