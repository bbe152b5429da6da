#!lua flags=allow-oom
-- Takes a partition's lease where nobody holds it.
--
-- Atomic, because a token must be unique: the counter is raised only together with the lease being taken. The random part
-- keeps tokens apart where a failover lost the counter. Runs when memory is full, or accepted events could never leave.
--
-- KEYS 1 lease  2 fence
-- ARGV 1 random part of the token  2 time to live, ms
-- Returns the fencing token, or nil where the lease is held
local lease, fence = KEYS[1], KEYS[2]
if redis.call('EXISTS', lease) == 1 then return false end
local token = redis.call('INCR', fence) .. '-' .. ARGV[1]
redis.call('SET', lease, token, 'PX', ARGV[2])
return token
