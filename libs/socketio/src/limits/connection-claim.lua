#!lua flags=allow-oom
-- Counts one more connection of a subject (an address, a user, a tenant) on one gateway, unless there are as many as there
-- may be over all gateways that live.
--
-- Atomic, because two gateways that see the last free place must not both take it. What a dead gateway had counted is
-- removed on the way. Runs when memory is full: clients must be able to come back then, and a count is one small number.
--
-- KEYS 1 counts of the subject by gateway
-- ARGV 1 this gateway  2 most connections  3 time to live, ms  4… the other gateways that live
-- Returns 1, or 0 where there are too many
local counts, gateway, limit = KEYS[1], ARGV[1], tonumber(ARGV[2])
local lives = { [gateway] = true }
for i = 4, #ARGV do lives[ARGV[i]] = true end
local total, all = 0, redis.call('HGETALL', counts)
for i = 1, #all, 2 do
  if lives[all[i]] then total = total + tonumber(all[i + 1]) else redis.call('HDEL', counts, all[i]) end
end
if total >= limit then return 0 end
redis.call('HINCRBY', counts, gateway, 1)
redis.call('PEXPIRE', counts, ARGV[3])
return 1
