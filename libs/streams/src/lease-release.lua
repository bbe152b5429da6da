#!lua flags=allow-oom
-- Gives a lease back that is still held with this token.
--
-- Atomic, because between looking and deleting the lease may become another worker's.
--
-- KEYS 1 lease
-- ARGV 1 fencing token
-- Returns 1, or 0 where the lease is not held with this token
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
