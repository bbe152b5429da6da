#!lua flags=allow-oom
-- Replaces what is kept of a connection under its `pid`, and lets it live for another while.
--
-- Atomic, because a session without its time to live would stay for ever, and one half written could drop a watch. Runs when
-- memory is full: a session replaces itself, and their number is that of the connections.
--
-- KEYS 1 session
-- ARGV 1 time to live, ms  2… field, value, …
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
