#!lua flags=allow-oom
-- Prolongs a lease that is still held with this token.
--
-- Atomic, because between looking and prolonging the lease may run out and become another worker's.
--
-- KEYS 1 lease
-- ARGV 1 fencing token  2 time to live, ms
-- Returns 1, or 0 where the lease is not held with this token
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
