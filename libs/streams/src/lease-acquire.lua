#!lua flags=allow-oom
-- Takes a partition's lease where nobody holds it.
--
-- Atomic, because a token must be unique: the counter is raised only together with the lease being taken. The random part
-- keeps tokens apart where a failover lost the counter. Runs when memory is full, or accepted events could never leave.
--
-- KEYS 1 lease  2 fence  3 owner
-- ARGV 1 random part of the token  2 time to live, ms  3 worker id, for operators; nothing depends on it
-- Returns the fencing token, or nil where the lease is held
local lease, fence, owner = KEYS[1], KEYS[2], KEYS[3]
if redis.call('EXISTS', lease) == 1 then return false end
local token = redis.call('INCR', fence) .. '-' .. ARGV[1]
redis.call('SET', lease, token, 'PX', ARGV[2])
redis.call('SET', owner, token .. ' ' .. ARGV[3])
return token
