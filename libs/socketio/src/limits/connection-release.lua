#!lua flags=allow-oom
-- Counts one connection of a subject less on one gateway.
--
-- Atomic, because a count that is gone, with its time to live or its dead gateway, must not become negative.
--
-- KEYS 1 counts of the subject by gateway
-- ARGV 1 this gateway
-- Returns what is left on this gateway
local left = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0) - 1
if left > 0 then redis.call('HSET', KEYS[1], ARGV[1], left) else redis.call('HDEL', KEYS[1], ARGV[1]) end
return math.max(0, left)
