#!lua flags=allow-oom
-- Records that upkeep of a partition was done, for as long as that may count.
--
-- Atomic, because only work under the lease counts.
--
-- KEYS 1 lease  2 upkept
-- ARGV 1 fencing token  2 milliseconds
-- Returns 1
-- Errors  FENCED  the token is not the lease's
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not held with this token')
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
