#!lua flags=allow-oom
-- Takes a scheduled event away before it is due. Atomic, because hash and order must agree. Runs when memory is full.
--
-- KEYS 1 scheduled  2 scheduled-order
-- ARGV 1 digest
-- Returns 1, or 0 where it is not scheduled (any more)
redis.call('ZCARD', KEYS[2])
local gone = redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return gone
