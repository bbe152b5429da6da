#!lua flags=allow-oom
-- Renews a gateway's life, removes those that ended, and says who lives.
--
-- Atomic, because lives are counted by Redis' clock at the moment of writing. Runs when memory is full: clients must be able
-- to come back then, and there is one short member for each gateway.
--
-- KEYS 1 gateways
-- ARGV 1 this gateway  2 how long a life lasts without renewal, ms
-- Returns the gateways that live
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
return redis.call('ZRANGE', KEYS[1], 0, -1)
